/** What the command and its measuring processes, or the page, say to each other. */
import type { CaseOutcome, Roofline } from '../report/results.ts';
import type { Method } from './method.ts';

export interface OpenRequest {
  readonly kind: 'open';
  readonly device: 'webgpu' | 'cpu';
  readonly threads: number | null;
  /** Engines, or beginnings of their names; null for all. */
  readonly names: readonly string[] | null;
}

export interface CaseRequest {
  readonly kind: 'case';
  readonly name: string;
  readonly method: Method;
  /** Engines that are left out, since they failed in this case before. */
  readonly without: readonly string[];
  /** Seconds that one run will take on an engine, where that is known. */
  readonly estimates: Readonly<Record<string, number>>;
}

export interface RooflineRequest {
  readonly kind: 'roofline';
  readonly device: 'webgpu' | 'cpu';
  readonly threads: number | null;
}

export type Request = OpenRequest | CaseRequest | RooflineRequest;

export type EngineDescription = { readonly name: string; readonly description: string };
export type UndatedCaseOutcome = Omit<CaseOutcome, 'date' | 'commit'>;

/** What each request is answered with. */
export interface Answers {
  open: readonly EngineDescription[];
  case: UndatedCaseOutcome;
  roofline: Roofline;
}

export type Reply =
  | { readonly kind: 'progress'; readonly engine: string; readonly step: string }
  | { readonly kind: 'answer'; readonly answer: Answers[keyof Answers] }
  | { readonly kind: 'error'; readonly message: string };

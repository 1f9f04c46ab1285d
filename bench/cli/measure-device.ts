/** Measures all cases on one device, in processes of their own. */
import type { Method } from '../measure/method.ts';
import type { EngineDescription, OpenRequest, UndatedCaseOutcome } from '../measure/protocol.ts';
import { higherRoofline } from '../measure/roofline.ts';
import { SpeedBook } from '../measure/speed-book.ts';
import type { CaseOutcome, DeviceOutcome, EngineOutcome, Roofline } from '../report/results.ts';
import type { Case } from '../workload.ts';
import { type Workplace, WorkplaceFailure } from './workplace.ts';

/** A device to be measured, and how a fresh workplace on it is had. */
export interface Target {
  readonly device: string;
  readonly kind: 'webgpu' | 'cpu';
  readonly threads: number | null;
  readonly description: string;
  readonly software: boolean;
  start(): Workplace | Promise<Workplace>;
}

export interface Plan {
  readonly cases: readonly Case[];
  readonly method: Method;
  /** Engines to open, or null for all. */
  readonly names: readonly string[] | null;
  readonly commit: string | null;
  progress(line: string): void;
  /** Hears of all that is measured on the device so far, after every case, so that a run that ends early leaves it. */
  keep(soFar: DeviceOutcome): void;
}

/** Seconds in which the engines have to be open, or one step of the roofline done: far more than either takes. */
const OPENING_SECONDS = 180;

/** Keeps a workplace with open engines for as long as cases may share it. */
class EngineSession {
  #open: Workplace | null = null;
  engines: readonly EngineDescription[] = [];

  constructor(
    readonly target: Target,
    readonly names: readonly string[] | null,
  ) {}

  async workplace(): Promise<Workplace> {
    if (this.#open) return this.#open;
    const { kind: device, threads } = this.target;
    const request: OpenRequest = { kind: 'open', device, threads, names: this.names };
    const workplace = await this.target.start();
    this.#open = workplace;
    this.engines = await workplace.ask(request, OPENING_SECONDS);
    return workplace;
  }

  close(): void {
    this.#open?.close();
    this.#open = null;
  }
}

function lost({ engine, timeLimit, message }: WorkplaceFailure, name: string): EngineOutcome {
  if (!engine) throw new Error(`${name}: ${message}`);
  if (timeLimit === null) return { engine, status: 'failed', reason: message };
  return { engine, status: 'not-run', seconds: timeLimit, reason: message };
}

/** Puts engines that took their process with them back into the outcome, in the order of the engines. */
function withLost(
  outcome: UndatedCaseOutcome,
  gone: ReadonlyMap<string, EngineOutcome>,
  order: readonly EngineDescription[],
): UndatedCaseOutcome {
  const all = new Map([...outcome.engines.map((one) => [one.engine, one] as const), ...gone]);
  return { ...outcome, engines: order.flatMap(({ name }) => all.get(name) ?? []) };
}

async function measureOne(
  session: EngineSession,
  one: Case,
  { method, progress }: Plan,
  speeds: SpeedBook,
): Promise<UndatedCaseOutcome> {
  const { device } = session.target;
  const gone = new Map<string, EngineOutcome>();
  // A first run compiles besides.
  const secondsPerStep = 5 * method.longestRunSeconds;
  for (;;) {
    try {
      const workplace = await session.workplace();
      const estimates: Record<string, number> = {};
      for (const { name } of session.engines) {
        const seconds = speeds.estimate(name, one.group, one.flops ?? null);
        if (seconds !== null) estimates[name] = seconds;
      }
      const outcome = await workplace.ask(
        { kind: 'case', name: one.name, method, without: [...gone.keys()], estimates },
        secondsPerStep,
        (engine, step) => progress(`${device}  ${one.name}  ${engine}: ${step}`),
      );
      return withLost(outcome, gone, session.engines);
    } catch (error) {
      session.close();
      if (!(error instanceof WorkplaceFailure)) throw error;
      const outcome = lost(error, one.name);
      // The same engine again, though it was left out: the process itself is at fault.
      if (gone.has(outcome.engine)) throw error;
      gone.set(outcome.engine, outcome);
    }
  }
}

async function measureRoofline(
  { kind: device, threads, start }: Target,
  progress: (step: string) => void,
): Promise<Roofline> {
  const workplace = await start();
  try {
    const request = { kind: 'roofline', device, threads } as const;
    return await workplace.ask(request, OPENING_SECONDS, (_, step) => progress(step));
  } finally {
    workplace.close();
  }
}

/** Measures every case, in a workplace of its own where the method says so. `keep` hears of all so far after each. */
async function measureCases(
  session: EngineSession,
  plan: Plan,
  keep: (soFar: Pick<DeviceOutcome, 'engines' | 'cases'>) => void,
): Promise<void> {
  const { method, commit } = plan;
  const speeds = new SpeedBook();
  const cases: CaseOutcome[] = [];
  const engines = new Map<string, EngineDescription>();
  for (const one of plan.cases) {
    const outcome = await measureOne(session, one, plan, speeds);
    cases.push({ ...outcome, date: new Date().toISOString(), commit });
    for (const engine of session.engines) engines.set(engine.name, engine);
    for (const result of outcome.engines) {
      // A first run alone says how long compiling takes.
      if (result.status !== 'measured' || !result.steady || !one.flops) continue;
      speeds.record(result.engine, one.group, one.flops, result.steady.median / 1000);
    }
    if (method.processPerCase) session.close();
    keep({ engines: [...engines.values()], cases: [...cases] });
  }
}

/**
 * Measures the roofline, before and after (not in quick runs), and every case. Rejects where the device or the engines
 * cannot be opened, or the roofline cannot be measured.
 */
export async function measureDevice(target: Target, plan: Plan): Promise<DeviceOutcome> {
  const { device, kind, threads, description, software } = target;
  const roofline = async (when: string) => {
    if (plan.method.quick) return null;
    return measureRoofline(target, (step) => plan.progress(`${device}  roofline ${when}  ${step}`));
  };
  const head = { device, kind, threads, description, software };
  let outcome: DeviceOutcome = { ...head, roofline: await roofline('before'), engines: [], cases: [] };
  const session = new EngineSession(target, plan.names);
  try {
    await measureCases(session, plan, (soFar) => {
      outcome = { ...outcome, ...soFar };
      plan.keep(outcome);
    });
  } finally {
    session.close();
  }
  return { ...outcome, roofline: higherRoofline(outcome.roofline, await roofline('after')) };
}

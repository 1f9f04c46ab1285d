/** Answers the requests of the command with the engines of this process, or of this page. */
import { allCases } from '../cases/index.ts';
import { openEngines } from '../engines/index.ts';
import type { Roofline } from '../report/results.ts';
import type { Engine } from '../workload.ts';
import { measureCase } from './measure-case.ts';
import type { CaseRequest, Reply, Request, RooflineRequest } from './protocol.ts';

/** What differs between a process and a page. */
export interface Platform {
  /** Brings the driver up, so that no engine's first run pays for that. */
  warmDriver(): Promise<void>;
  measureRoofline(request: RooflineRequest, tell: (step: string) => void): Promise<Roofline>;
}

/** A function that answers one request after another; `say` hears of the progress. Rejects where the request cannot be met. */
export function requestHandler({ warmDriver, measureRoofline }: Platform, say: (reply: Reply) => void) {
  let engines: readonly Engine[] = [];
  const progress = (engine: string, step: string) => say({ kind: 'progress', engine, step });

  async function runCase({ name, method, without, estimates }: CaseRequest) {
    const found = allCases().find((one) => one.name === name);
    if (!found) throw new Error(`there is no case ${name}`);
    return measureCase(
      found,
      engines.filter((engine) => !without.includes(engine.name)),
      method,
      { now: () => performance.now(), progress, estimate: (engine) => estimates[engine] ?? null },
    );
  }

  return async (request: Request) => {
    if (request.kind === 'roofline') return measureRoofline(request, (step) => progress('roofline', step));
    if (request.kind === 'case') return runCase(request);
    if (request.device === 'webgpu') await warmDriver();
    engines = await openEngines({
      device: request.device,
      names: request.names ? [...request.names] : undefined,
      threads: request.threads ?? undefined,
    });
    return engines.map(({ name, description }) => ({ name, description }));
  };
}

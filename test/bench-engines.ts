/** Engines of the benchmark that compute nothing, on a clock that only they move. */
import type { Surroundings } from '../bench/measure/measure-case.ts';
import { fullMethod, type Method } from '../bench/measure/method.ts';
import type { Case, Engine, HostArray, Workload } from '../bench/workload.ts';

export const method: Method = {
  ...fullMethod,
  rounds: 4,
  warmups: 1,
  budgetSeconds: 100,
  sampleMilliseconds: 1,
};

export const numbers = (...data: number[]): HostArray => ({
  shape: [data.length],
  data: Float32Array.from(data),
});

/** A clock, and what was done on it in its order. */
export class Stage implements Surroundings {
  time = 0;
  readonly log: string[] = [];
  readonly estimates = new Map<string, number>();
  now = () => this.time;
  progress = () => {};
  estimate = (engine: string) => this.estimates.get(engine) ?? null;
}

export interface FakeEngine {
  /** Milliseconds of the first run, and of the others. */
  readonly first?: number;
  readonly later?: number;
  /** Outputs after so many runs. */
  readonly outputs?: (runs: number) => HostArray[];
  readonly lacks?: true;
  /** Throws once it has run so often. */
  readonly failsAt?: number;
  readonly gpuTime?: number | null;
  /** Milliseconds that its threads stay busy after a run. */
  readonly lingers?: number;
}

/** An engine whose runs take the given time on the stage's clock. */
export function fakeEngine(stage: Stage, name: string, fake: FakeEngine = {}): Engine {
  const {
    first = 50,
    later = 10,
    outputs = () => [numbers(1, 2, 4)],
    lacks,
    failsAt,
    gpuTime,
    lingers,
  } = fake;
  return {
    name,
    description: `a fake called ${name}`,
    async prepare() {
      if (lacks) return null;
      let runs = 0;
      return {
        run() {
          runs++;
          stage.log.push(name);
          if (runs === failsAt) throw new Error(`${name} broke down`);
          stage.time += runs === 1 ? first : later;
        },
        async finish() {},
        outputs: async () => outputs(runs),
        ...(gpuTime === undefined ? {} : { gpuTime: async () => gpuTime }),
        ...(lingers === undefined
          ? {}
          : {
              async settle() {
                stage.log.push(`${name} settled`);
                stage.time += lingers;
              },
            }),
        dispose: () => void stage.log.push(`${name} disposed`),
      };
    },
    async dispose() {},
  };
}

export const fakeCase = (more: Partial<Case> = {}): Case => ({
  name: 'matmul/2x2x2',
  group: 'matmul',
  flops: 16e6,
  bytes: 48e6,
  quick: true,
  tolerance: 1e-5,
  // The fakes do not look at it.
  workload: () => ({}) as Workload,
  ...more,
});

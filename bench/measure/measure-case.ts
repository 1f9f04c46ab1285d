import type { CaseOutcome, EngineOutcome } from '../report/results.ts';
import type { Case, Engine, HostArray, Prepared, Workload } from '../workload.ts';
import { compareOutputs } from './compare.ts';
import type { Method } from './method.ts';
import { type Summary, summarise } from './statistics.ts';

/** What the measuring asks of its surroundings. */
export interface Surroundings {
  /** Milliseconds of a clock that only goes forward. */
  now(): number;
  /** Told before each step, so that whoever waits knows which engine to blame. */
  progress(engine: string, step: 'preparing' | 'first run' | 'comparing' | 'measuring'): void;
  /** Seconds that one run will take, as far as that can be told; null where it cannot. */
  estimate(engine: string): number | null;
}

/** An engine on its way through one case. */
interface Subject {
  readonly engine: string;
  readonly prepared: Prepared;
  readonly prepare: number;
  readonly first: number;
  repeats: number;
  /** Milliseconds that steady runs have taken so far. */
  spent: number;
  /** Of one run, the latest. */
  latest: number;
  readonly samples: number[];
  gpu: Summary | null;
  failure: string | null;
}

const messageOf = (reason: unknown) => (reason instanceof Error ? reason.message : String(reason));

/**
 * Takes samples of all subjects in turn, A B A B, so that what the machine does besides meets all of them alike. Goes on
 * for `rounds`; `sample` returns false where a subject has had enough, which leaves the others going.
 */
export async function interleave<T>(
  subjects: readonly T[],
  rounds: number,
  sample: (subject: T) => Promise<boolean>,
): Promise<void> {
  let going = [...subjects];
  for (let round = 0; round < rounds && going.length > 0; round++) {
    const next: T[] = [];
    for (const subject of going) if (await sample(subject)) next.push(subject);
    going = next;
  }
}

/** Prepares and runs once; the operands' way to the device and the first run are timed apart. */
async function firstRun(
  engine: Engine,
  workload: Workload,
  { now, progress }: Surroundings,
): Promise<Subject | null> {
  progress(engine.name, 'preparing');
  const start = now();
  const prepared = await engine.prepare(workload);
  if (!prepared) return null;
  const ready = now();
  progress(engine.name, 'first run');
  try {
    await prepared.run();
    await prepared.finish();
  } catch (error) {
    prepared.dispose();
    throw error;
  }
  const first = now() - ready;
  await prepared.settle?.();
  return {
    engine: engine.name,
    prepared,
    prepare: ready - start,
    first,
    repeats: 1,
    spent: 0,
    latest: first,
    samples: [],
    gpu: null,
    failure: null,
  };
}

/** Milliseconds of one run, of `repeats` that are waited for together. Leaves the processor to the next engine. */
async function timeRuns(subject: Subject, repeats: number, now: () => number): Promise<number> {
  const start = now();
  for (let i = 0; i < repeats; i++) await subject.prepared.run();
  await subject.prepared.finish();
  const elapsed = now() - start;
  await subject.prepared.settle?.();
  subject.spent += elapsed;
  subject.latest = elapsed / repeats;
  return subject.latest;
}

/** A first run that took this many times the longest run allowed is not only slow by compiling. */
const COMPILING = 4;

/** Warms up as far as the budget allows, and chooses how many runs make a sample. */
async function warmUp(subject: Subject, method: Method, now: () => number): Promise<void> {
  const { budgetSeconds, longestRunSeconds, sampleMilliseconds, mostRepeats, warmups } = method;
  if (subject.first > 1000 * COMPILING * longestRunSeconds) return;
  for (let run = 0; run < warmups; run++) {
    // The first run tells nothing of the others, since it compiles. A slow engine's budget is for its samples.
    if (run > 0 && subject.spent + 5 * subject.latest > 1000 * budgetSeconds) break;
    await timeRuns(subject, 1, now);
  }
  const wanted = Math.ceil(sampleMilliseconds / Math.max(subject.latest, 1e-3));
  subject.repeats = Math.min(wanted, mostRepeats);
}

async function measureSteady(
  subjects: readonly Subject[],
  method: Method,
  { now, progress }: Surroundings,
): Promise<void> {
  const budget = 1000 * method.budgetSeconds;
  const guarded = async (subject: Subject, work: () => Promise<boolean>) => {
    progress(subject.engine, 'measuring');
    try {
      return await work();
    } catch (error) {
      subject.failure = messageOf(error);
      return false;
    }
  };
  const fits = ({ samples, spent, latest, repeats }: Subject) =>
    samples.length === 0
      ? latest * repeats <= 1000 * method.longestRunSeconds
      : spent + latest * repeats <= budget;
  for (const subject of subjects) {
    await guarded(subject, async () => {
      await warmUp(subject, method, now);
      return true;
    });
  }
  await interleave(
    subjects.filter(({ failure }) => failure === null),
    method.rounds,
    (subject) =>
      guarded(subject, async () => {
        if (!fits(subject)) return false;
        subject.samples.push(await timeRuns(subject, subject.repeats, now));
        return true;
      }),
  );
  for (const subject of subjects) {
    if (subject.failure === null) await guarded(subject, () => measureGpuTime(subject, method));
  }
}

/** GPU time of a few runs; a median of five is steady, since no other program's work is in it. */
async function measureGpuTime(subject: Subject, method: Method): Promise<boolean> {
  const { prepared } = subject;
  if (!prepared.gpuTime || subject.latest * 6 > 1000 * method.budgetSeconds) return false;
  const times: number[] = [];
  for (let run = 0; run < Math.min(method.rounds, 5); run++) {
    const time = await prepared.gpuTime();
    if (time === null) return false;
    times.push(time);
  }
  subject.gpu = summarise(times);
  return true;
}

/** Outputs of every subject against those of the first. Returns the largest difference and what does not agree. */
async function compareSubjects(
  subjects: readonly Subject[],
  tolerance: number,
  when: string,
  { progress }: Surroundings,
): Promise<{ difference: number | null; mismatch: string | null }> {
  let reference: { engine: string; outputs: readonly HostArray[] } | null = null;
  let difference: number | null = null;
  const mismatches: string[] = [];
  for (const subject of subjects) {
    if (subject.failure !== null) continue;
    progress(subject.engine, 'comparing');
    let outputs: readonly HostArray[];
    try {
      outputs = await subject.prepared.outputs();
    } catch (error) {
      subject.failure = messageOf(error);
      continue;
    }
    if (!reference) {
      reference = { engine: subject.engine, outputs };
      continue;
    }
    const comparison = compareOutputs(reference.outputs, outputs, tolerance);
    if (comparison.difference !== null) difference = Math.max(difference ?? 0, comparison.difference);
    if (!comparison.agrees) {
      mismatches.push(`${subject.engine} against ${reference.engine}, ${when}: ${comparison.reason}`);
    }
  }
  return { difference, mismatch: mismatches.length ? mismatches.join('; ') : null };
}

function outcomeOf(subject: Subject, isVoid: boolean): EngineOutcome {
  const { engine, failure, prepare, first, samples, repeats, gpu } = subject;
  if (failure !== null) return { engine, status: 'failed', reason: failure };
  if (isVoid) return { engine, status: 'void' };
  const steady = samples.length ? summarise(samples) : null;
  return { engine, status: 'measured', prepare, first, steady, repeats, gpu };
}

/**
 * Measures one case on all engines. The outputs are compared after the first runs and once more after the last ones:
 * where they do not agree no time counts. Never rejects for what an engine does.
 */
export async function measureCase(
  { name, group, flops, bytes, tolerance, workload: draw }: Case,
  engines: readonly Engine[],
  method: Method,
  surroundings: Surroundings,
): Promise<Omit<CaseOutcome, 'date' | 'commit'>> {
  const outcomes = new Map<string, EngineOutcome>(
    engines.map(({ name: engine }) => [engine, { engine, status: 'lacks' }]),
  );
  const subjects: Subject[] = [];
  const workload = await draw();
  for (const engine of engines) {
    const seconds = surroundings.estimate(engine.name);
    if (seconds !== null && seconds > method.longestRunSeconds) {
      const reason = 'its speed in smaller cases says so';
      outcomes.set(engine.name, { engine: engine.name, status: 'not-run', seconds, reason });
      continue;
    }
    try {
      const subject = await firstRun(engine, workload, surroundings);
      if (subject) subjects.push(subject);
    } catch (error) {
      outcomes.set(engine.name, { engine: engine.name, status: 'failed', reason: messageOf(error) });
    }
  }
  let { difference, mismatch } = await compareSubjects(
    subjects,
    tolerance,
    'after the first run',
    surroundings,
  );
  if (mismatch === null) {
    await measureSteady(
      subjects.filter(({ failure }) => failure === null),
      method,
      surroundings,
    );
    const last = await compareSubjects(subjects, tolerance, 'after the last run', surroundings);
    mismatch = last.mismatch;
    if (last.difference !== null) difference = Math.max(difference ?? 0, last.difference);
  }
  for (const subject of subjects) {
    outcomes.set(subject.engine, outcomeOf(subject, mismatch !== null));
    subject.prepared.dispose();
  }
  return {
    name,
    group,
    flops: flops ?? null,
    bytes: bytes ?? null,
    tolerance,
    difference,
    mismatch,
    engines: [...outcomes.values()],
  };
}

import type { Workload, WorkloadKind } from '../workload.ts';

export type WorkloadOf<K extends WorkloadKind> = Extract<Workload, { kind: K }>;

/** How an engine prepares each kind of work that it has; `Made` is its own form of what was prepared. */
export type Preparations<Made> = {
  readonly [K in WorkloadKind]?: (workload: WorkloadOf<K>) => Made | Promise<Made>;
};

/** Prepares a workload, or gives null where the engine has no such operation. */
export async function prepareWith<Made>(
  preparations: Preparations<Made>,
  workload: Workload,
): Promise<Made | null> {
  // The kind picks the function whose argument it is, which the compiler cannot follow through a table.
  const prepare = preparations[workload.kind] as ((workload: Workload) => Made | Promise<Made>) | undefined;
  return prepare ? prepare(workload) : null;
}

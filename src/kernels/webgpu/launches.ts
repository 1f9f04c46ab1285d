import { KernelError, OutOfMemoryError } from '../op/errors.ts';
import type { AdapterFacts, BindingReference, GpuCall, Launch, OpDefinition } from '../op/op.ts';
import { describe, elementCount } from '../op/spec.ts';
import { originOf } from '../profiling/profile.ts';
import type { TimedLaunch } from './launch-timer.ts';
import type { Slot } from './planned-buffer.ts';
import type { Program, ProgramCache } from './programs.ts';

/** What takes the launches, and where their buffers, or stand-ins for them, come from. */
export interface LaunchContext<B extends Slot> {
  readonly programs: ProgramCache;
  readonly recorder: {
    launch(
      label: string,
      program: Program,
      buffers: readonly B[],
      fresh: readonly B[],
      launch: Launch,
      timed: TimedLaunch,
    ): void;
  };
  readonly pool: { acquire(bytes: number, idle: boolean): B; release(buffer: B): void };
}

/** A buffer at hand for the op's output. `fresh` says that what it held before is nobody's concern. */
export interface GivenOutput<B extends Slot> {
  readonly buffer: B;
  readonly fresh: boolean;
}

/**
 * Records the launches of one op and returns the buffers of its outputs, new ones unless one is `given`. Throws
 * KernelError naming op and shader where a launch does not fit its shader.
 */
export function recordOp<A, B extends Slot>(
  definition: OpDefinition<A>,
  call: GpuCall<A>,
  inputs: readonly B[],
  given: GivenOutput<B> | null,
  variant: string,
  context: LaunchContext<B>,
): B[] {
  return naming(definition.name, call, () => {
    const origin = originOf(definition, call, variant);
    const launches = definition
      .wgsl(call, variant)
      .filter((launch) => launch.grid.every((workgroups) => workgroups !== 0));
    const programs = launches.map((launch) =>
      checkedProgram(definition.name, launch, call, context.programs),
    );
    const taken: B[] = [];
    const take = (bytes: number) => {
      const buffer = context.pool.acquire(bytes, false);
      taken.push(buffer);
      return buffer;
    };
    try {
      const outputs = given ? [given.buffer] : call.outputs.map((spec) => take(4 * elementCount(spec.shape)));
      const scratch = scratchSizes(launches).map(take);
      const fresh = given?.fresh ? [...taken, given.buffer] : taken;
      for (const [index, launch] of launches.entries()) {
        const buffers = bindingsOf(launch, call).map((reference) => {
          if ('input' in reference) return inputs[reference.input];
          return 'output' in reference ? outputs[reference.output] : scratch[reference.scratch];
        });
        checkAliasing(programs[index], buffers);
        const label = `${definition.name} (${programs[index].name})`;
        const first = index === 0;
        context.recorder.launch(label, programs[index], buffers, first ? fresh : [], launch, {
          origin,
          first,
        });
      }
      for (const buffer of scratch) context.pool.release(buffer);
      return outputs;
    } catch (error) {
      for (const buffer of taken) context.pool.release(buffer);
      throw error;
    }
  });
}

function checkedProgram<A>(op: string, launch: Launch, call: GpuCall<A>, programs: ProgramCache): Program {
  const program = programs.get(op, launch);
  const given = bindingsOf(launch, call).length;
  const expected = program.shader.bindings.length;
  if (given !== expected) {
    throw new KernelError(`${program.name}: declares ${expected} storage bindings, the launch has ${given}`);
  }
  checkGrid(program, launch, call.adapter);
  return program;
}

function checkGrid(program: Program, { grid }: Launch, adapter: AdapterFacts): void {
  const most = adapter.maxWorkgroupsPerDimension;
  if (grid.some((workgroups) => !Number.isInteger(workgroups) || workgroups > most)) {
    throw new KernelError(
      `${program.name}: a grid of [${grid.join(', ')}] workgroups; each must be an integer of at most ${most}`,
    );
  }
}

function checkAliasing(program: Program, buffers: readonly Slot[]): void {
  for (const [index, buffer] of buffers.entries()) {
    if (
      program.shader.bindings[index] === 'read_write' &&
      buffers.indexOf(buffer) !== buffers.lastIndexOf(buffer)
    ) {
      throw new KernelError(`${program.name}: binding ${index} is written and must not be bound twice`);
    }
  }
}

function bindingsOf<A>(launch: Launch, call: GpuCall<A>): readonly BindingReference[] {
  return (
    launch.bindings ?? [
      ...call.inputs.map((_, input) => ({ input })),
      ...call.outputs.map((_, output) => ({ output })),
    ]
  );
}

/** Bytes of each working buffer: the most that any launch asks for. */
function scratchSizes(launches: readonly Launch[]): number[] {
  const sizes: number[] = [];
  for (const launch of launches) {
    for (const reference of launch.bindings ?? []) {
      if (!('scratch' in reference)) continue;
      for (let index = sizes.length; index <= reference.scratch; index++) sizes.push(0);
      sizes[reference.scratch] = Math.max(sizes[reference.scratch], reference.bytes);
    }
  }
  return sizes;
}

/** Puts op and output shapes before the message of a KernelError or OutOfMemoryError thrown in `body`. */
function naming<T>(op: string, call: GpuCall<unknown>, body: () => T): T {
  try {
    return body();
  } catch (cause) {
    const what = `${op} -> ${call.outputs.map(describe).join(', ')}`;
    if (cause instanceof KernelError) throw new KernelError(`${what}: ${cause.message}`, { cause });
    if (cause instanceof OutOfMemoryError) throw new OutOfMemoryError(`${what}: ${cause.message}`, { cause });
    throw cause;
  }
}

import type { BindGroupCache } from './bind-groups.ts';
import type { DeviceBuffer } from './buffer-pool.ts';
import type { Dispatch, PassEncoder } from './pass-encoder.ts';
import type { Pipeline } from './pipelines.ts';
import type { Program } from './programs.ts';
import type { UniformBlock } from './uniform-block.ts';

/** A launch of a sequence. */
export interface SequencedLaunch extends Dispatch {
  readonly label: string;
  readonly program: Program;
  /** What is bound: buffers that stay the same, and by number those that a run is given. */
  readonly buffers: readonly (DeviceBuffer | number)[];
}

/** What of a launch never changes, found at its first encoding. */
interface Settled {
  readonly storage: GPUBindGroup | null;
  readonly uniforms: GPUBindGroup | null;
}

/** Launches that are encoded again and again: what can be looked up or made once is kept. */
export class LaunchSequence {
  readonly label: string;
  readonly pipelines: readonly Pipeline[];
  readonly #launches: readonly SequencedLaunch[];
  readonly #uniforms: UniformBlock;
  readonly #bindGroups: BindGroupCache;
  readonly #settled: Settled[] = [];

  constructor(
    label: string,
    launches: readonly SequencedLaunch[],
    uniforms: UniformBlock,
    bindGroups: BindGroupCache,
  ) {
    this.label = label;
    this.#launches = launches;
    this.#uniforms = uniforms;
    this.#bindGroups = bindGroups;
    this.pipelines = [...new Set(launches.map(({ program }) => program.pipeline))];
  }

  /** Encodes all launches, whose pipelines are compiled, with the buffers of this run. */
  encode(pass: PassEncoder, bound: readonly DeviceBuffer[]): void {
    for (const [index, launch] of this.#launches.entries()) {
      const { pipeline } = launch.program;
      this.#settled[index] ??= this.#settle(launch);
      const { storage, uniforms } = this.#settled[index];
      const group = storage ?? this.#bindGroups.get(pipeline, buffersOf(launch, bound), launch.label);
      pass.dispatch(pipeline.compiled as GPUComputePipeline, group, uniforms, launch);
    }
  }

  #settle({ program, buffers, label }: SequencedLaunch): Settled {
    const layout = program.shader.uniforms;
    const constant = buffers.every((buffer) => typeof buffer !== 'number');
    return {
      storage: constant ? this.#bindGroups.make(program.pipeline, buffers as DeviceBuffer[], label) : null,
      uniforms: layout ? this.#uniforms.group(layout.bytes) : null,
    };
  }
}

function buffersOf({ buffers }: SequencedLaunch, bound: readonly DeviceBuffer[]): DeviceBuffer[] {
  return buffers.map((buffer) => (typeof buffer === 'number' ? bound[buffer] : buffer));
}

import type { Launch } from '../op/op.ts';
import type { LaunchTimer, TimedLaunch } from './launch-timer.ts';

/** What one dispatch sets: all of it is at hand, nothing is looked up. */
export interface Dispatch extends TimedLaunch {
  readonly grid: Launch['grid'];
  /** Offset of its struct in the block of uniforms, as `setBindGroup` takes it. */
  readonly uniformOffset: readonly [number];
}

/** Encodes dispatches into as few compute passes as can be: a copy ends one, and a timer wants one for each dispatch. */
export class PassEncoder {
  readonly #encoder: GPUCommandEncoder;
  readonly #timer: LaunchTimer | null;
  #pass: GPUComputePassEncoder | null = null;
  #pipeline: GPUComputePipeline | null = null;

  constructor(encoder: GPUCommandEncoder, timer: LaunchTimer | null) {
    this.#encoder = encoder;
    this.#timer = timer;
  }

  dispatch(
    pipeline: GPUComputePipeline,
    storage: GPUBindGroup,
    uniforms: GPUBindGroup | null,
    dispatch: Dispatch,
  ): void {
    if (!this.#pass || this.#timer) {
      this.end();
      this.#pass = this.#encoder.beginComputePass(this.#timer?.passOf(dispatch));
    }
    if (pipeline !== this.#pipeline) this.#pass.setPipeline(pipeline);
    this.#pipeline = pipeline;
    this.#pass.setBindGroup(0, storage);
    if (uniforms) this.#pass.setBindGroup(1, uniforms, dispatch.uniformOffset);
    const [x, y, z] = dispatch.grid;
    this.#pass.dispatchWorkgroups(x, y, z);
  }

  copy(source: GPUBuffer, target: GPUBuffer, bytes: number): void {
    this.end();
    this.#encoder.copyBufferToBuffer(source, 0, target, 0, bytes);
  }

  end(): void {
    this.#pass?.end();
    this.#pass = null;
    this.#pipeline = null;
  }
}

import type { DeviceBuffer } from './buffer-pool.ts';
import type { Pipeline } from './pipelines.ts';

/** Combinations kept before all are dropped; a step of training makes some hundreds. */
const MOST_GROUPS = 8192;

/** Bind groups by layout and buffers; with pooled buffers a repeated step finds all of them here. */
export class BindGroupCache {
  readonly #gpu: GPUDevice;
  #groups = new Map<string, GPUBindGroup>();
  #keysOfBuffer = new Map<number, Set<string>>();
  readonly #layoutIds = new Map<GPUBindGroupLayout, number>();

  constructor(gpu: GPUDevice) {
    this.#gpu = gpu;
  }

  get(pipeline: Pipeline, buffers: readonly DeviceBuffer[], label: string): GPUBindGroup {
    const key = this.#key(pipeline.storageLayout, buffers);
    let group = this.#groups.get(key);
    if (group) return group;
    if (this.#groups.size >= MOST_GROUPS) this.#clear();
    group = this.make(pipeline, buffers, label);
    this.#groups.set(key, group);
    for (const buffer of buffers) {
      const keys = this.#keysOfBuffer.get(buffer.id);
      if (keys) keys.add(key);
      else this.#keysOfBuffer.set(buffer.id, new Set([key]));
    }
    return group;
  }

  /** A group for someone who keeps it, and the buffers, themselves. */
  make(pipeline: Pipeline, buffers: readonly DeviceBuffer[], label: string): GPUBindGroup {
    return this.#gpu.createBindGroup({
      label,
      layout: pipeline.storageLayout,
      entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer: buffer.gpu } })),
    });
  }

  /** Forgets the groups of a buffer that is gone. */
  evict(buffer: DeviceBuffer): void {
    for (const key of this.#keysOfBuffer.get(buffer.id) ?? []) this.#groups.delete(key);
    this.#keysOfBuffer.delete(buffer.id);
  }

  #key(layout: GPUBindGroupLayout, buffers: readonly DeviceBuffer[]): string {
    let id = this.#layoutIds.get(layout);
    if (id === undefined) {
      id = this.#layoutIds.size;
      this.#layoutIds.set(layout, id);
    }
    let key = `${id}`;
    for (const buffer of buffers) key += `,${buffer.id}`;
    return key;
  }

  #clear(): void {
    this.#groups = new Map();
    this.#keysOfBuffer = new Map();
  }
}

import type { Launch } from '../op/op.ts';
import { bufferUsage } from './gpu-flags.ts';
import { packUniforms, type UniformLayout } from './uniforms.ts';

/** The offset alignment that every WebGPU adapter takes. */
const ALIGNMENT = 256;

/** Uniforms of launches as they are recorded, each struct at an offset of its own. */
export class UniformData {
  bytes = 0;
  #view = new DataView(new ArrayBuffer(16 * ALIGNMENT));

  /** Packs one struct and returns its offset; 0 where the shader has no uniforms. */
  append(layout: UniformLayout | null, uniforms: Launch['uniforms'], file: string): number {
    if (!layout) return 0;
    const offset = this.bytes;
    const end = offset + slot(layout.bytes);
    this.#reserve(end);
    packUniforms(layout, uniforms ?? {}, this.#view, offset, file);
    this.bytes = end;
    return offset;
  }

  get buffer(): ArrayBuffer {
    return this.#view.buffer as ArrayBuffer;
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#view.byteLength) return;
    const larger = new Uint8Array(Math.max(bytes, 2 * this.#view.byteLength));
    larger.set(new Uint8Array(this.buffer));
    this.#view = new DataView(larger.buffer);
  }
}

/** A GPU buffer of uniforms, and the bind groups for it: one for each size, since launches differ in the offset alone. */
export class UniformBlock {
  readonly #gpu: GPUDevice;
  readonly #layout: GPUBindGroupLayout;
  #buffer: GPUBuffer | null = null;
  readonly #groups = new Map<number, GPUBindGroup>();

  constructor(gpu: GPUDevice, layout: GPUBindGroupLayout) {
    this.#gpu = gpu;
    this.#layout = layout;
  }

  /** One write for all uniforms, ordered between the submits. Grows the buffer where it must. */
  write(data: UniformData): void {
    if (data.bytes === 0) return;
    if (!this.#buffer || this.#buffer.size < data.bytes) {
      this.destroy();
      this.#buffer = this.#gpu.createBuffer({
        label: 'uniforms',
        size: 2 ** Math.ceil(Math.log2(data.bytes)),
        usage: bufferUsage.uniform | bufferUsage.copyDestination,
      });
    }
    this.#gpu.queue.writeBuffer(this.#buffer, 0, data.buffer, 0, data.bytes);
  }

  /** The group to bind, at a dynamic offset, for a struct of so many bytes. */
  group(bytes: number): GPUBindGroup {
    const size = slot(bytes);
    let group = this.#groups.get(size);
    if (!group) {
      group = this.#gpu.createBindGroup({
        label: `uniforms of ${size} bytes`,
        layout: this.#layout,
        entries: [{ binding: 0, resource: { buffer: this.#buffer as GPUBuffer, size } }],
      });
      this.#groups.set(size, group);
    }
    return group;
  }

  destroy(): void {
    this.#buffer?.destroy();
    this.#buffer = null;
    this.#groups.clear();
  }
}

/** Bytes that a struct takes in the block, and that its binding covers. */
function slot(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

import type { Device, DevicePlan, MemoryReport, Operand, Storage } from '../src/kernels/device.ts';
import { UnsupportedError } from '../src/kernels/op/errors.ts';
import type { OpAttributes, OpDefinition, OpName } from '../src/kernels/op/op.ts';
import { placementIn } from '../src/kernels/op/placement.ts';
import {
  type DeviceArray,
  elementCount,
  type NumericArray,
  type TensorSpec,
} from '../src/kernels/op/spec.ts';
import { opTable } from '../src/kernels/op-table.ts';

class Float64Storage implements Storage {
  references = 1;

  constructor(readonly elements: NumericArray) {}

  get bytes(): number {
    return this.elements.byteLength;
  }
}

/** The plain ops in double precision: what a whole network gives but for rounding, and what differences are taken of. */
export class Float64Device implements Device {
  readonly kind = 'cpu';
  readonly adapter = null;
  readonly description = 'plain ops in float64, for the tests';
  #storages = 0;

  upload(data: DeviceArray): Storage {
    return this.#store(data instanceof Int32Array ? data.slice() : Float64Array.from(data));
  }

  overwrite(): boolean {
    return false;
  }

  allocate(bytes: number): Storage {
    return this.#store(new Float64Array(bytes / 4).fill(Number.NaN));
  }

  runInto<K extends OpName>(
    op: K,
    inputs: readonly Operand[],
    attributes: OpAttributes[K],
    into: Operand,
    channel: number,
  ): void {
    const definition: OpDefinition<OpAttributes[K]> = opTable[op];
    const [{ storage, spec }] = this.run(op, inputs, attributes);
    const { stride, offset } = placementIn(definition, [spec], into.spec, channel);
    const columns = spec.shape.at(-1) ?? 1;
    const target = this.elements(into.storage);
    for (const [index, value] of this.elements(storage).entries()) {
      target[offset + Math.floor(index / columns) * stride + (index % columns)] = value;
    }
    this.release(storage);
  }

  run<K extends OpName>(op: K, inputs: readonly Operand[], attributes: OpAttributes[K]): Operand[] {
    const definition: OpDefinition<OpAttributes[K]> = opTable[op];
    const inputSpecs = inputs.map(({ spec }) => spec);
    const outputSpecs = definition.infer(inputSpecs, attributes);
    if (definition.view) {
      this.retain(inputs[0].storage);
      return [{ storage: inputs[0].storage, spec: outputSpecs[0] }];
    }
    const outputs = outputSpecs.map(({ shape, dtype }) => {
      const count = elementCount(shape);
      return dtype === 'int32' ? new Int32Array(count) : new Float64Array(count).fill(Number.NaN);
    });
    definition.cpu({
      inputs: inputs.map(({ storage }) => this.elements(storage)),
      inputSpecs,
      outputs,
      outputSpecs,
      attributes,
    });
    return outputs.map((elements, index) => ({ storage: this.#store(elements), spec: outputSpecs[index] }));
  }

  /** The elements themselves: writing to them changes the tensor. */
  elements(storage: Storage): NumericArray {
    if (storage instanceof Float64Storage && storage.references > 0) return storage.elements;
    throw new Error('the storage is of another device, or released');
  }

  /** Its plans do the work anew at every run. */
  capture(
    _inputs: readonly TensorSpec[],
    body: (inputs: readonly Operand[]) => readonly Operand[],
  ): DevicePlan {
    const made = (inputs: readonly Operand[]) => {
      for (const { storage } of inputs) this.retain(storage);
      return body(inputs);
    };
    return {
      bytes: 0,
      kernels: 0,
      outputs: [],
      run: (inputs) => {
        // What the body returns it may have released already.
        return made(inputs).map(({ storage, spec }) => ({
          storage: this.#store((storage as Float64Storage).elements),
          spec,
        }));
      },
      ready: async () => {},
      dispose: () => {},
    };
  }

  async read({ storage }: Operand): Promise<DeviceArray> {
    const elements = this.elements(storage);
    return elements instanceof Int32Array ? elements.slice() : Float32Array.from(elements);
  }

  retain(storage: Storage): void {
    this.elements(storage);
    storage.references++;
  }

  release(storage: Storage): void {
    this.elements(storage);
    storage.references--;
    if (storage.references === 0) this.#storages--;
  }

  async profile(): Promise<never> {
    throw new UnsupportedError('profile: the float64 device of the tests takes no times');
  }

  async tune(): Promise<never> {
    throw new UnsupportedError('tune: the float64 device of the tests has no variants');
  }

  async synchronise(): Promise<void> {}

  memory(): MemoryReport {
    return { liveBytes: 0, pooledBytes: 0, peakBytes: 0, storages: this.#storages };
  }

  trim(): void {}

  destroy(): void {}

  #store(elements: NumericArray): Float64Storage {
    this.#storages++;
    return new Float64Storage(elements);
  }
}

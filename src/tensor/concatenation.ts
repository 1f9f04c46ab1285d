import { EkphrasisError, ShapeError, UnsupportedError } from '../kernels/op/errors.ts';
import type { OpAttributes, OpDefinition, OpName } from '../kernels/op/op.ts';
import { describe, elementCount } from '../kernels/op/spec.ts';
import { opTable } from '../kernels/op-table.ts';
import { activeTape } from './tape.ts';
import { Tensor } from './tensor.ts';

/**
 * A concatenation along the last axis whose parts are computed in their places, in order, so that nothing is copied. It
 * takes ops that can place their output (convolution, product, pooling), and cannot be differentiated: use `concat` there.
 */
export class Concatenation {
  readonly #channels: number;
  #target: Tensor | null = null;
  #filled = 0;

  /** `channels` is what all parts have together. */
  constructor(channels: number) {
    this.#channels = channels;
  }

  /**
   * Computes the next part. Throws ShapeError where it does not fit beside the others, UnsupportedError for an op that
   * cannot place its output and while gradients are recorded.
   */
  append<K extends OpName>(op: K, inputs: readonly Tensor[], attributes: OpAttributes[K]): void {
    if (activeTape()) {
      throw new UnsupportedError(
        `${op}: a concatenation in place has no gradient; inside of a differentiated function use concat()`,
      );
    }
    const operands = inputs.map((input) => input.operand(op));
    const definition: OpDefinition<OpAttributes[K]> = opTable[op];
    const [part] = definition.infer(
      operands.map(({ spec }) => spec),
      attributes,
    );
    const { device } = inputs[0];
    const columns = part.shape.at(-1) ?? 1;
    if (!this.#target) {
      const spec = { shape: [...part.shape.slice(0, -1), this.#channels], dtype: part.dtype };
      const storage = device.allocate(4 * elementCount(spec.shape));
      this.#target = new Tensor(device, { storage, spec });
    }
    device.runInto(op, operands, attributes, this.#target.operand(op), this.#filled);
    this.#filled += columns;
  }

  /** The whole. Throws ShapeError where channels are missing. */
  finish(): Tensor {
    if (!this.#target)
      throw new EkphrasisError('Concatenation: nothing was appended; append its parts first');
    if (this.#filled !== this.#channels) {
      throw new ShapeError(
        `Concatenation: ${this.#filled} channels of ${describe(this.#target)} were appended; append the rest before finish()`,
      );
    }
    return this.#target;
  }
}

import type { Device } from '../../kernels/device.ts';
import { glorotUniform, initialise } from '../../nn/initialisers.ts';
import { Dense } from '../../nn/layers/dense.ts';
import { Module } from '../../nn/module.ts';
import type { Random } from '../../nn/random.ts';
import { matmul } from '../../tensor/functions.ts';
import { Parameter } from '../../tensor/parameter.ts';
import { scope } from '../../tensor/scope.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { DecoderConfig } from '../config.ts';

/**
 * From the hidden state to the scores of the next word. Plain: a dense layer over the vocabulary. With `outputFrom`
 * "hidden+context+word" a tanh layer as wide as a word's vector comes before it (the deep output of Xu et al. 2015, arXiv
 * 1502.03044, equation 7, with tanh). With `tied` the kernel is the transpose of the word vectors (Press and Wolf 2017,
 * arXiv 1608.05859), so what enters is as wide as they are: the deep output, or a linear projection of the hidden state.
 */
export class WordOutput extends Module {
  /** [width, vocabulary]; null where the word vectors serve. */
  readonly kernel: Parameter | null = null;
  readonly bias: Parameter;
  readonly projection: Dense | null = null;
  /** The parts of the deep output's kernel: of the hidden state (with the bias), the context and the word. */
  readonly hidden: Dense | null = null;
  readonly context: Parameter | null = null;
  readonly word: Parameter | null = null;

  /** `context` is the width of the context, or of the encoding without attention. */
  constructor(device: Device, random: Random | null, config: DecoderConfig, context: number) {
    super();
    const { units, embedding, vocabulary, outputFrom, tied } = config;
    const matrix = (rows: number, columns: number) =>
      new Parameter(device, initialise(glorotUniform, [rows, columns], random), [rows, columns]);
    const deep = outputFrom === 'hidden+context+word';
    if (!tied) this.kernel = matrix(deep ? embedding : units, vocabulary);
    this.bias = new Parameter(device, new Float32Array(vocabulary), [vocabulary]);
    if (deep) {
      this.hidden = new Dense(device, random, { inputs: units, units: embedding });
      this.context = matrix(context, embedding);
      this.word = matrix(embedding, embedding);
    } else if (tied) {
      this.projection = new Dense(device, random, { inputs: units, units: embedding });
    }
  }

  /** The word's part of the deep output: vectors [R, embedding] → [R, embedding]. Null where there is none. */
  projectWords(vectors: Tensor): Tensor | null {
    return this.word && matmul(vectors, this.word);
  }

  /** The context's part, likewise. */
  projectContexts(contexts: Tensor): Tensor | null {
    return this.context && matmul(contexts, this.context);
  }

  /**
   * What enters the output layer: hidden states [R, units], with their parts of context and word where it is deep; a
   * language model has no context.
   */
  enter(hidden: Tensor, context: Tensor | null, word: Tensor | null): Tensor {
    const layer = this.hidden;
    if (!layer || !word) return hidden;
    return scope(() => {
      const projected = layer.forward(hidden);
      return (context ? projected.add(context) : projected).add(word).tanh();
    });
  }

  /** Logits [R, vocabulary] of what enters; `vectors` are the word vectors [vocabulary, embedding]. */
  logits(entered: Tensor, vectors: Tensor): Tensor {
    const { kernel, bias, projection } = this;
    if (kernel) return matmul(entered, kernel, { bias });
    return scope(() =>
      matmul(projection ? projection.forward(entered) : entered, vectors, { bias, transposeB: true }),
    );
  }
}

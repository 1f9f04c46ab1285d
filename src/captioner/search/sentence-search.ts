import type { Device } from '../../kernels/device.ts';
import { EkphrasisError } from '../../kernels/op/errors.ts';
import type { DeviceArray } from '../../kernels/op/spec.ts';
import { capture, type Plan } from '../../tensor/capture.ts';
import type { Specs } from '../../tensor/nested.ts';
import { disposeAll, scope } from '../../tensor/scope.ts';
import type { Tensor } from '../../tensor/tensor.ts';
import type { Encoding } from '../decoder/decoder.ts';
import type { Hypothesis } from './hypothesis.ts';

/** What a search knows between two of its plans. */
export interface Known {
  readonly encoding: Encoding;
  readonly state: readonly Tensor[];
}

/** A way of searching, apart from when its steps are taken. All tensors are of shapes that the method alone decides. */
export interface SearchMethod {
  readonly maximumLength: number;
  /** The encoding of one image as every step wants it, and what the first step begins with. */
  begin(encoding: Encoding): Known;
  /** What is known after `steps` more words, and a float32 report of them for the host. */
  advance(
    encoding: Encoding,
    state: readonly Tensor[],
    steps: number,
  ): { readonly state: readonly Tensor[]; readonly report: Tensor };
  /** Whether, after the last report of `steps` words, further words change nothing. */
  ended(report: DeviceArray, steps: number): boolean;
  /** The sentences that all reports, each with its number of words, tell of: one or more, the best first. */
  hypotheses(reports: readonly { readonly report: DeviceArray; readonly steps: number }[]): Hypothesis[];
  /** Frees its constants. */
  dispose(): void;
}

/** What may be wished of one search. */
export interface SearchWatch {
  /** Called after every word with the best sentence so far. Looking at every word costs a GPU time. */
  readonly onWord?: (soFar: Hypothesis) => void;
  /** Ends the search between two words, with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** The plans of a search, for encodings of one shape. */
interface Plans {
  readonly begin: Plan<Encoding, Known>;
  /** By how many words they find. */
  readonly advance: Map<number, Plan<Known, { readonly known: Known; readonly report: Tensor }>>;
}

/**
 * Words that a search finds before it looks whether the sentence has ended. Looking stops a GPU, so there it looks once.
 * The CPU device has its results at once, and a software adapter computes on the processor too: words past the end cost
 * them more than looking does. Median milliseconds for sentences of 8, 14 and 19 words, looking every 20, 4 and 2 words:
 * lavapipe 186, 132 and 137 (a beam of three: 251, 204 and 204); the CPU device every 20, 5 and 1: 37, 26 and 24.
 * SwiftShader took 0.8 to 0.9 of the time with 4.
 */
function stepsBetweenLooks({ kind, adapter }: Device, maximumLength: number): number {
  if (kind === 'cpu') return 1;
  return adapter?.cpuLike ? Math.min(4, maximumLength) : maximumLength;
}

/**
 * Searches sentences for images one after the other, on plans that are captured at the first. All choices are made on
 * the device, and all that is to be known of some words is read back at once.
 */
export class SentenceSearch {
  readonly #device: Device;
  readonly #method: SearchMethod;
  readonly #stepsPerRead: number;
  #plans: Plans | null = null;

  /** Takes over the method. `stepsPerRead`: words that are found before what was found is looked at. */
  constructor(
    device: Device,
    method: SearchMethod,
    stepsPerRead = stepsBetweenLooks(device, method.maximumLength),
  ) {
    this.#device = device;
    this.#method = method;
    this.#stepsPerRead = stepsPerRead;
  }

  /** The best sentence for the encoding of one image; see {@link findAll}. */
  async find(encoding: Encoding): Promise<Hypothesis> {
    return (await this.findAll(encoding))[0];
  }

  /**
   * The sentences for the encoding of one image that the method still holds at its end: one or more, the best first.
   * Encodings must be of one shape. Searches may run side by side. Rejects with EkphrasisError where a score is no number.
   */
  async findAll(encoding: Encoding, { onWord, signal }: SearchWatch = {}): Promise<Hypothesis[]> {
    const { maximumLength } = this.#method;
    const stepsPerRead = onWord ? 1 : this.#stepsPerRead;
    const reports: { report: DeviceArray; steps: number }[] = [];
    const { begin } = this.#prepared(encoding);
    let known = begin.run(encoding, false);
    try {
      for (let done = 0; done < maximumLength; done += stepsPerRead) {
        signal?.throwIfAborted();
        const steps = Math.min(stepsPerRead, maximumLength - done);
        const before = known;
        const { report, ...after } = this.#advance(steps).run(before, false);
        known = after.known;
        disposeAll(before);
        const read = report.data();
        report.dispose();
        reports.push({ report: await read, steps });
        requireNumbers(reports[reports.length - 1].report);
        onWord?.(this.#method.hypotheses(reports)[0]);
        if (this.#method.ended(reports[reports.length - 1].report, steps)) break;
      }
      return this.#method.hypotheses(reports);
    } finally {
      disposeAll(known);
    }
  }

  /** Captures the plans for encodings of such tensors, and resolves when a search need not wait for compilation. */
  async ready(encoding: Specs<Encoding>): Promise<void> {
    const { begin } = this.#prepared(encoding);
    const { maximumLength } = this.#method;
    const first = this.#advance(Math.min(this.#stepsPerRead, maximumLength));
    await Promise.all([begin.ready(), first.ready()]);
  }

  dispose(): void {
    this.#forget();
    this.#method.dispose();
  }

  #prepared(encoding: Specs<Encoding>): Plans {
    const plans = this.#plans;
    if (plans && !plans.begin.stale && ![...plans.advance.values()].some((plan) => plan.stale)) return plans;
    this.#forget();
    const begin = capture(this.#device, encoding, (given: Encoding) => this.#method.begin(given));
    this.#plans = { begin, advance: new Map() };
    return this.#plans;
  }

  #advance(steps: number): ReturnType<Plans['advance']['get']> & object {
    const { begin, advance } = this.#plans as Plans;
    let plan = advance.get(steps);
    if (!plan) {
      plan = capture(this.#device, begin.outputs, ({ encoding, state }: Known) =>
        scope(() => {
          const next = this.#method.advance(encoding, state, steps);
          return { known: { encoding, state: next.state }, report: next.report };
        }),
      );
      advance.set(steps, plan);
    }
    return plan;
  }

  #forget(): void {
    if (!this.#plans) return;
    for (const plan of [this.#plans.begin, ...this.#plans.advance.values()]) plan.dispose();
    this.#plans = null;
  }
}

/**
 * Where all scores are NaN, `topK` and `argmax` give on WebGPU the lowest float32 of the index 2³¹ − 1. No sentence scores so
 * low, impossible words included, and no word has that number.
 */
const lowest = -1e30;
const noWord = 2 ** 31 - 1;

/** A NaN is neither more nor less than another score, so the search would end with any sentence, or with none. */
function requireNumbers(report: DeviceArray): void {
  if ((report as Float32Array).every((value) => value > lowest && value < noWord)) return;
  throw new EkphrasisError(
    'the scores of the words are no numbers: the weights of this model are too large for float32, or its device computes wrongly. Get an intact copy of the model, or choose another device (--device)',
  );
}

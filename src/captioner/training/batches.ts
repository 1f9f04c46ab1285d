/** An image of the training set: its number among the features (−1 of a sentence without one), and its captions as ids from start to end word. */
export interface TrainingImage {
  readonly features: number;
  readonly captions: readonly (readonly number[])[];
  /** What the loss of each caption's words is multiplied by. Default 1 each. */
  readonly weights?: readonly number[];
}

/**
 * The captions of some images, laid out for teacher forcing without padding. Sentences are sorted by falling length;
 * at step t only the first `active[t]` of them still run. Words lie time-major: those of step 0 of all sentences, then
 * those of step 1 of the sentences that still run, and so on.
 */
export interface Batch {
  /** Rows of the features, one an image. */
  readonly images: Int32Array<ArrayBuffer>;
  /** Image of each sentence, as a position in `images`. */
  readonly sentenceImage: Int32Array<ArrayBuffer>;
  /** The word that enters at each place, the start word first. */
  readonly inputs: Int32Array<ArrayBuffer>;
  /** The word to be predicted there. */
  readonly targets: Int32Array<ArrayBuffer>;
  /** What the loss of each word is multiplied by. */
  readonly weights: Float32Array<ArrayBuffer>;
  /** Sentences that run at each step, falling. */
  readonly active: readonly number[];
}

/** Lays out the captions of some images. */
export function layOut(images: readonly TrainingImage[]): Batch {
  const sentences = images.flatMap(({ captions, weights }, image) =>
    captions.map((ids, index) => ({ ids, image, weight: weights?.[index] ?? 1 })),
  );
  sentences.sort((a, b) => b.ids.length - a.ids.length);
  const steps = (sentences[0]?.ids.length ?? 1) - 1;
  const inputs: number[] = [];
  const targets: number[] = [];
  const wordWeights: number[] = [];
  const active: number[] = [];
  for (let step = 0; step < steps; step++) {
    const running = sentences.filter(({ ids }) => ids.length - 1 > step);
    active.push(running.length);
    for (const { ids, weight } of running) {
      inputs.push(ids[step]);
      targets.push(ids[step + 1]);
      wordWeights.push(weight);
    }
  }
  return {
    images: Int32Array.from(images, ({ features }) => features),
    sentenceImage: Int32Array.from(sentences, ({ image }) => image),
    inputs: Int32Array.from(inputs),
    targets: Int32Array.from(targets),
    weights: Float32Array.from(wordWeights),
    active,
  };
}

/** Batches of `size` images in their order; the last may be smaller. */
export function* batches(images: readonly TrainingImage[], size: number): Generator<Batch> {
  for (let start = 0; start < images.length; start += size) yield layOut(images.slice(start, start + size));
}

/** The sentence of each row, as a position in `sentenceImage`. */
export function sentenceOfRows({ active }: Batch): Int32Array<ArrayBuffer> {
  return Int32Array.from(active.flatMap((count) => Array.from({ length: count }, (_, sentence) => sentence)));
}

/** The row of each row's sentence at the step before; −1 at the first. */
export function previousRows({ active }: Batch): Int32Array<ArrayBuffer> {
  let start = 0;
  const rows = active.flatMap((count, step) => {
    const before = start - (active[step - 1] ?? 0);
    start += count;
    return Array.from({ length: count }, (_, sentence) => (step === 0 ? -1 : before + sentence));
  });
  return Int32Array.from(rows);
}

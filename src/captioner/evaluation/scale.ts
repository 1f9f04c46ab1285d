import { type CaptionScores, evaluateCaptions } from '../metrics/evaluate-captions.ts';

/** Scores that others get on the same images, without which a captioner's own say little. */
export interface Scale {
  /** One sentence for every image, made of what Flickr8k's captions mention most: what can be had without looking. */
  readonly constant: { readonly caption: string; readonly scores: CaptionScores };
  /** The first sentence that a person wrote against the other people's; null where an image has a single one. */
  readonly person: CaptionScores | null;
}

const constantCaption = 'a man in a red shirt is standing in front of a building';

/** @param references the sentences people wrote for each image */
export function scaleOf(references: ReadonlyMap<string, readonly string[]>): Scale {
  const every = (caption: string) => new Map([...references.keys()].map((image) => [image, caption]));
  const single = [...references.values()].some((sentences) => sentences.length < 2);
  const first = new Map([...references].map(([image, [sentence]]) => [image, sentence]));
  const others = new Map([...references].map(([image, [, ...sentences]]) => [image, sentences]));
  return {
    constant: {
      caption: constantCaption,
      scores: evaluateCaptions(every(constantCaption), references),
    },
    person: single ? null : evaluateCaptions(first, others),
  };
}

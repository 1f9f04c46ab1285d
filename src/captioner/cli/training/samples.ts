import type { Sample } from './checkpoint.ts';

const mostSamples = 12;

/** The samples, evenly chosen at the first scores, with what was said about them in this epoch. */
export function extendedSamples(
  samples: readonly Sample[],
  captions: ReadonlyMap<string, string>,
  epoch: number,
): readonly Sample[] {
  if (captions.size === 0) return samples;
  const images = [...captions.keys()];
  const count = Math.min(mostSamples, images.length);
  const begun: readonly Sample[] =
    samples.length > 0
      ? samples
      : Array.from({ length: count }, (_, index) => ({
          image: images[Math.floor((index * images.length) / count)],
          captions: [],
        }));
  return begun.map((sample) => {
    const caption = captions.get(sample.image);
    return caption === undefined ? sample : { ...sample, captions: [...sample.captions, { epoch, caption }] };
  });
}

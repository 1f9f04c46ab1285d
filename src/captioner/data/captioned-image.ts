/** An image and the sentences people wrote for it. */
export interface CaptionedImage {
  /** In what a parser returns: the name that the captions file gives; in a `DataSet`: the path in its folder. */
  image: string;
  /** As they stand in the file, at least one. */
  captions: string[];
}

/** Gathers (image, caption) pairs into one record an image, images in order of first appearance. */
export function groupByImage(pairs: Iterable<readonly [image: string, caption: string]>): CaptionedImage[] {
  const records = new Map<string, CaptionedImage>();
  for (const [image, caption] of pairs) {
    const record = records.get(image);
    if (record) record.captions.push(caption);
    else records.set(image, { image, captions: [caption] });
  }
  return [...records.values()];
}

import { FormatError } from '../../kernels/op/errors.ts';
import { type CaptionedImage, groupByImage } from './captioned-image.ts';

/** A field of a parsed JSON value, or undefined where there is none. */
function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}

function listField(value: unknown, name: string): readonly unknown[] | undefined {
  const list = field(value, name);
  return Array.isArray(list) ? list : undefined;
}

/** The name that MS COCO 2014 gives to an image: `COCO_train2014_000000000009.jpg` for id 9 of split `train2014`. */
export function cocoImageName(split: string, id: number): string {
  return `COCO_${split}_${String(id).padStart(12, '0')}.jpg`;
}

/**
 * Captions of MS COCO, `captions_<split>.json` (Chen et al. 2015, arXiv:1504.00325): `annotations` of image_id and
 * caption, `images` of id and file_name. An image that `images` does not name gets the name of `cocoImageName`. Images
 * keep the order of their first caption.
 * @throws FormatError if the text is not JSON, has no annotations, or an entry lacks a field.
 */
export function parseCocoCaptions(text: string, split = 'train2014'): CaptionedImage[] {
  const file = `captions_${split}.json`;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new FormatError(`${file}: not valid JSON (${String(error)}).`, { cause: error });
  }
  const annotations = listField(json, 'annotations');
  if (annotations === undefined) {
    throw new FormatError(`${file}: it has no list "annotations"; expected a COCO captions file.`);
  }
  const names = new Map<unknown, string>();
  for (const image of listField(json, 'images') ?? []) {
    const name = field(image, 'file_name');
    if (typeof name === 'string') names.set(field(image, 'id'), name);
  }
  return groupByImage(
    annotations.map((annotation, index): [string, string] => {
      const id = field(annotation, 'image_id');
      const caption = field(annotation, 'caption');
      if (typeof id !== 'number' || typeof caption !== 'string') {
        throw new FormatError(
          `${file}: annotation ${index} is ${JSON.stringify(annotation)}; expected a number image_id and a text caption.`,
        );
      }
      return [names.get(id) ?? cocoImageName(split, id), caption];
    }),
  );
}

import { FormatError } from '../../kernels/op/errors.ts';
import { type CaptionedImage, groupByImage } from './captioned-image.ts';
import { type DataFolder, type DataSet, type DataSetOptions, readText } from './data-set.ts';
import { parseFlickrCsv } from './flickr8k.ts';
import { splitImages } from './split.ts';

/**
 * JSON lines: on each line an object of `image` and either `caption`, a sentence, or `captions`, a list of them. Several
 * lines about one image are joined. @throws FormatError naming the first line of another form.
 */
export function parseJsonLines(text: string, file: string): CaptionedImage[] {
  const pairs = text.split(/\r?\n/).flatMap((line, index): [string, string][] => {
    if (line.trim() === '') return [];
    const { image, caption, captions = [caption] } = objectOf(line);
    if (typeof image === 'string' && isSentences(captions) && captions.length > 0)
      return captions.map((one) => [image, one]);
    throw new FormatError(
      `${file}: line ${index + 1} is ${JSON.stringify(line.slice(0, 200))}; expected {"image": …, "caption": …} or {"image": …, "captions": [ … ]}.`,
    );
  });
  return groupByImage(pairs);
}

function objectOf(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

const isSentences = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string');

/**
 * Opens a list of images and captions: CSV with the columns image and caption where its name ends in .csv, JSON lines
 * otherwise. An image is named by its path in the list's folder, or by its file's name alone where only one there has
 * it. Images are held out as `splitImages` says.
 * @throws FormatError for a broken list, one that names no image that is there, or a name that several files have.
 */
export async function openImageList(
  folder: DataFolder,
  file: string,
  { seed = 42, heldOut = { dev: 0.1, test: 0.1 } }: DataSetOptions = {},
): Promise<DataSet> {
  const text = await readText(folder, file);
  const csv = /\.csv$/i.test(file);
  const records = csv ? parseFlickrCsv(text, file) : parseJsonLines(text, file);
  const paths = await folder.list();
  const present = new Set(paths);
  const places = new Map<string, string[]>();
  for (const path of paths) {
    const name = path.slice(path.lastIndexOf('/') + 1);
    places.set(name, [...(places.get(name) ?? []), path]);
  }
  const missing: string[] = [];
  const found = records.flatMap(({ image, captions }) => {
    const name = image.replaceAll('\\', '/').replace(/^\.\//, '');
    const others = places.get(name) ?? [];
    if (!present.has(name) && others.length > 1) {
      throw new FormatError(`${file}: ${image} may be ${others[0]} or ${others[1]}; give the path.`);
    }
    const path = present.has(name) ? name : others[0];
    if (path === undefined) missing.push(image);
    return path === undefined ? [] : [{ image: path, captions }];
  });
  const splits = splitImages(found, seed, heldOut);
  if (splits.train.length === 0) {
    throw new FormatError(
      `${file}: no image is left for training; of ${records.length} that it names ${missing.length} have no file in its ` +
        `folder${missing.length > 0 ? `, first ${missing[0]}` : ''}.`,
    );
  }
  return { layout: csv ? 'csv' : 'json-lines', ...splits, missing };
}

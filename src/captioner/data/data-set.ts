import { FormatError } from '../../kernels/op/errors.ts';
import { type CaptionedImage, groupByImage } from './captioned-image.ts';
import { parseCocoCaptions } from './coco.ts';
import { parseFlickrCsv, parseFlickrTokens, parseSplitList } from './flickr8k.ts';
import { baseName, FolderListing } from './folder-listing.ts';
import { type HeldOut, splitImages } from './split.ts';

/** A folder of a data set, wherever it lies. Names are paths from its root with "/" between parts. */
export interface DataFolder {
  /** The names of all files in it and in its subfolders. */
  list(): Promise<string[]>;
  read(name: string): Promise<Uint8Array>;
}

/** A captioned data set; `image` is a name that the folder can read. */
export interface DataSet {
  layout: 'flickr8k' | 'coco' | 'csv' | 'json-lines';
  train: CaptionedImage[];
  dev: CaptionedImage[];
  /** Empty, as the others, where split lists are given and none is for it. */
  test: CaptionedImage[];
  /** Images that a captions file or split list names but that have no file or no caption; they are left out. */
  missing: string[];
}

export interface DataSetOptions {
  /** Decides which images are held out where the folder does not say. Default 42. */
  seed?: number;
  /** How much is held out then, as parts of 1. Default 0.1 each. */
  heldOut?: HeldOut;
  /** Splits without which the data set is refused. Default train and dev. */
  needed?: readonly (keyof Splits)[];
}

type Splits = Record<'train' | 'dev' | 'test', CaptionedImage[]>;

/** A file's text. Throws FormatError where it is not UTF-8. */
export async function readText(folder: DataFolder, name: string): Promise<string> {
  const bytes = await folder.read(name);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new FormatError(`${name}: not UTF-8 text.`, { cause: error });
  }
}

/** Names replaced by paths, two names of one file joined; what has no file goes to `missing`. */
export function locate(
  records: readonly CaptionedImage[],
  missing: string[],
  find: (name: string) => string | undefined,
): CaptionedImage[] {
  return groupByImage(
    records.flatMap(({ image, captions }) => {
      const path = find(image);
      if (path === undefined) missing.push(image);
      return path === undefined ? [] : captions.map((caption) => [path, caption] as const);
    }),
  );
}

const splitLists = {
  train: 'Flickr_8k.trainImages.txt',
  dev: 'Flickr_8k.devImages.txt',
  test: 'Flickr_8k.testImages.txt',
} as const;

const purposes = { train: 'training', dev: 'development', test: 'testing' } as const;

async function flickrSplits(
  folder: DataFolder,
  listing: FolderListing,
  records: CaptionedImage[],
  missing: string[],
  needed: readonly (keyof Splits)[],
  divide: (records: CaptionedImage[]) => Splits,
): Promise<Splits> {
  const paths = {
    train: listing.nearest(splitLists.train),
    dev: listing.nearest(splitLists.dev),
    test: listing.nearest(splitLists.test),
  };
  const find = (name: string) => listing.image(name);
  if (!paths.train && !paths.dev && !paths.test) return divide(locate(records, missing, find));
  const lacking = needed.find((split) => paths[split] === undefined);
  if (lacking) {
    throw new FormatError(
      `Data set: it has some split lists but not ${splitLists[lacking]}; ` +
        'add that list, or remove the others to have images held out by chance.',
    );
  }
  const byName = new Map(records.map((record) => [record.image, record]));
  const listed = async (path: string | undefined): Promise<CaptionedImage[]> => {
    if (path === undefined) return [];
    const chosen = parseSplitList(await readText(folder, path)).flatMap((name) => {
      const record = byName.get(name);
      if (record === undefined) missing.push(name);
      return record ?? [];
    });
    return locate(chosen, missing, find);
  };
  return { train: await listed(paths.train), dev: await listed(paths.dev), test: await listed(paths.test) };
}

async function cocoSplits(
  folder: DataFolder,
  listing: FolderListing,
  files: string[],
  missing: string[],
  divide: (records: CaptionedImage[], heldOut?: HeldOut) => Splits,
): Promise<Splits> {
  const present: { name: string; records: CaptionedImage[] }[] = [];
  const splitOf = (path: string) => baseName(path).slice('captions_'.length, -'.json'.length);
  for (const path of files) {
    const name = baseName(path);
    const split = splitOf(path);
    const parsed = parseCocoCaptions(await readText(folder, path), split);
    const others = files.map(splitOf).filter((other) => other !== split);
    const records = locate(parsed, missing, (image) => listing.image(image, split, others));
    if (records.length > 0) present.push({ name, records });
  }
  if (present.length <= 1) return divide(present[0]?.records ?? []);
  const train = present.filter(({ name }) => name.startsWith('captions_train'));
  const validation = present.filter(({ name }) => name.startsWith('captions_val'));
  if (present.length !== 2 || train.length !== 1 || validation.length !== 1) {
    throw new FormatError(
      `Data set: found images of ${present.map(({ name }) => name).join(', ')}; expected one captions_*.json, or one ` +
        'captions_train*.json and one captions_val*.json. Remove the others.',
    );
  }
  return { ...divide(validation[0].records, { dev: 0.5, test: 0.5 }), train: train[0].records };
}

/**
 * Recognises the layout of a data set by its file names, at any depth, and reads its captions.
 *
 * - Flickr8k: `captions.txt` or `Flickr8k.token.txt`. If there are split lists (`Flickr_8k.trainImages.txt`,
 *   `.devImages.txt`, `.testImages.txt`), images in none of them are left out.
 * - MS COCO: one `captions_*.json`, or a `captions_train*.json` for training and a `captions_val*.json`, of which one
 *   half is for development and the other for testing. A file none of whose images is here counts as absent: the
 *   annotations come in one archive, the images in several.
 *
 * An image is the file of the path that the captions file gives, or whose path ends in it. Without lists, images are held
 * out as `splitImages` says.
 * @throws FormatError if no captions file is found, one is broken, several files have a name that it gives, or a needed
 * split has no list or no image.
 */
export async function openDataSet(folder: DataFolder, options: DataSetOptions = {}): Promise<DataSet> {
  const { seed = 42, heldOut = { dev: 0.1, test: 0.1 }, needed = ['train', 'dev'] } = options;
  const names = await folder.list();
  const listing = new FolderListing(names);
  const missing: string[] = [];
  const divide = (records: CaptionedImage[], parts = heldOut): Splits => splitImages(records, seed, parts);

  const csv = listing.nearest('captions.txt');
  const tokens = listing.nearest('Flickr8k.token.txt');
  const coco = listing.matching(/^captions_.*\.json$/);
  let layout: DataSet['layout'] = 'flickr8k';
  let splits: Splits;
  if (csv !== undefined) {
    const records = parseFlickrCsv(await readText(folder, csv));
    splits = await flickrSplits(folder, listing, records, missing, needed, divide);
  } else if (tokens !== undefined) {
    const records = parseFlickrTokens(await readText(folder, tokens));
    splits = await flickrSplits(folder, listing, records, missing, needed, divide);
  } else if (coco.length > 0) {
    layout = 'coco';
    splits = await cocoSplits(folder, listing, coco, missing, divide);
  } else {
    throw new FormatError(
      `Data set: no captions file among its ${names.length} files; looked for captions.txt or Flickr8k.token.txt ` +
        '(Flickr8k) and captions_*.json (MS COCO).',
    );
  }
  for (const split of needed) {
    if (splits[split].length > 0 || (split === 'dev' && heldOut.dev === 0)) continue;
    throw new FormatError(
      `Data set: no image with captions for ${purposes[split]}; ` +
        `${missing.length} named images have no file or no caption${missing.length > 0 ? `, first ${missing[0]}` : ''}.`,
    );
  }
  return { layout, ...splits, missing };
}

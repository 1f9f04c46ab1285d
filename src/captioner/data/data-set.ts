import { FormatError } from '../../kernels/op/errors.ts';
import type { CaptionedImage } from './captioned-image.ts';
import { parseCocoCaptions } from './coco.ts';
import { parseFlickrCsv, parseFlickrTokens, parseSplitList } from './flickr8k.ts';
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

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
const depth = (path: string): number => path.split('/').length;

/** The folder's files by name: where each lies. Nearer to the root first, then in order of the alphabet. */
class Listing {
  private readonly paths: readonly string[];
  private readonly byBaseName = new Map<string, string[]>();

  constructor(paths: readonly string[]) {
    this.paths = [...paths].sort((a, b) => depth(a) - depth(b) || (a < b ? -1 : 1));
    for (const path of this.paths) {
      const name = baseName(path);
      const places = this.byBaseName.get(name);
      if (places) places.push(path);
      else this.byBaseName.set(name, [path]);
    }
  }

  /** The path of a file name; of several, one in a folder that is called `folder`, else the nearest to the root. */
  find(name: string, folder?: string): string | undefined {
    const places = this.byBaseName.get(baseName(name)) ?? [];
    return places.find((path) => folder !== undefined && path.split('/').includes(folder)) ?? places[0];
  }

  matching(pattern: RegExp): string[] {
    return this.paths.filter((path) => pattern.test(baseName(path)));
  }
}

/** A file's text. Throws FormatError where it is not UTF-8. */
export async function readText(folder: DataFolder, name: string): Promise<string> {
  const bytes = await folder.read(name);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new FormatError(`${name}: not UTF-8 text.`, { cause: error });
  }
}

/** Names replaced by paths; what has no file goes to `missing`. */
function locate(
  records: CaptionedImage[],
  listing: Listing,
  missing: string[],
  folder?: string,
): CaptionedImage[] {
  return records.flatMap(({ image, captions }) => {
    const path = listing.find(image, folder);
    if (path !== undefined) return [{ image: path, captions }];
    missing.push(image);
    return [];
  });
}

const splitLists = {
  train: 'Flickr_8k.trainImages.txt',
  dev: 'Flickr_8k.devImages.txt',
  test: 'Flickr_8k.testImages.txt',
} as const;

const purposes = { train: 'training', dev: 'development', test: 'testing' } as const;

async function flickrSplits(
  folder: DataFolder,
  listing: Listing,
  records: CaptionedImage[],
  missing: string[],
  needed: readonly (keyof Splits)[],
  divide: (records: CaptionedImage[]) => Splits,
): Promise<Splits> {
  const paths = {
    train: listing.find(splitLists.train),
    dev: listing.find(splitLists.dev),
    test: listing.find(splitLists.test),
  };
  if (!paths.train && !paths.dev && !paths.test) return divide(locate(records, listing, missing));
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
    return locate(chosen, listing, missing);
  };
  return { train: await listed(paths.train), dev: await listed(paths.dev), test: await listed(paths.test) };
}

async function cocoSplits(
  folder: DataFolder,
  listing: Listing,
  files: string[],
  missing: string[],
  divide: (records: CaptionedImage[], heldOut?: HeldOut) => Splits,
): Promise<Splits> {
  const present: { name: string; records: CaptionedImage[] }[] = [];
  for (const path of files) {
    const name = baseName(path);
    const split = name.slice('captions_'.length, -'.json'.length);
    const parsed = parseCocoCaptions(await readText(folder, path), split);
    const records = locate(parsed, listing, missing, split);
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
 * Without lists, images are held out as `splitImages` says.
 * @throws FormatError if no captions file is found, one is broken, or a needed split has no list or no image.
 */
export async function openDataSet(folder: DataFolder, options: DataSetOptions = {}): Promise<DataSet> {
  const { seed = 42, heldOut = { dev: 0.1, test: 0.1 }, needed = ['train', 'dev'] } = options;
  const names = await folder.list();
  const listing = new Listing(names);
  const missing: string[] = [];
  const divide = (records: CaptionedImage[], parts = heldOut): Splits => splitImages(records, seed, parts);

  const csv = listing.find('captions.txt');
  const tokens = listing.find('Flickr8k.token.txt');
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

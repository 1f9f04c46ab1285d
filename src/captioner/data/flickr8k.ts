import { FormatError } from '../../kernels/op/errors.ts';
import { type CaptionedImage, groupByImage } from './captioned-image.ts';
import { parseCsv } from './csv.ts';

/**
 * Captions of Flickr8k (Hodosh, Young and Hockenmaier 2013, JAIR 47) in the form that Kaggle gives out, `captions.txt`:
 * CSV whose first line names the columns, of which `image` and `caption` are read.
 * @throws FormatError if a column is missing, a row is cut short, or the CSV is broken.
 */
export function parseFlickrCsv(text: string, file = 'captions.txt'): CaptionedImage[] {
  const [header = [], ...rows] = parseCsv(text);
  const names = header.map((name) => name.trim().toLowerCase());
  const image = names.indexOf('image');
  const caption = names.indexOf('caption');
  if (image < 0 || caption < 0) {
    throw new FormatError(
      `${file}: its first line is ${JSON.stringify(header.join(','))}; expected the columns image,caption.`,
    );
  }
  return groupByImage(
    rows.map((row): [string, string] => {
      if (row.length === header.length) return [row[image], row[caption]];
      throw new FormatError(
        `${file}: the row ${JSON.stringify(row.join(','))} has ${row.length} fields; expected ${header.length} ` +
          '(a caption with a comma stands in double quotes).',
      );
    }),
  );
}

/**
 * The same captions in the data set's own form, `Flickr8k.token.txt`: lines of `name#number<tab>caption`.
 * @throws FormatError naming the first line of another form.
 */
export function parseFlickrTokens(text: string): CaptionedImage[] {
  const pairs: [string, string][] = [];
  text.split(/\r?\n/).forEach((line, index) => {
    if (line === '') return;
    const [, image, caption] = /^(.+)#\d+\t(.*)$/.exec(line) ?? [];
    if (image === undefined) {
      throw new FormatError(
        `Flickr8k.token.txt: line ${index + 1} is ${JSON.stringify(line)}; expected name#number, a tab and the caption.`,
      );
    }
    pairs.push([image, caption]);
  });
  return groupByImage(pairs);
}

/** The image names of a split list such as `Flickr_8k.trainImages.txt`, one a line. */
export function parseSplitList(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

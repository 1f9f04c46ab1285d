import { readFile } from 'node:fs/promises';
import { FormatError } from '../../../kernels/op/errors.ts';
import { elementCount, sameShape } from '../../../kernels/op/spec.ts';
import { readSafetensors } from '../../../nn/formats/safetensors.ts';
import type { FeatureTable } from '../../training/teacher-forcing.ts';
import type { TunedImage } from './tuned-images.ts';

/** A teacher's file as it was read. */
interface TeacherFile {
  readonly rowShape: readonly number[];
  readonly data: ArrayLike<number>;
  /** Row of each image, by its name. */
  readonly rows: ReadonlyMap<string, number>;
}

/**
 * The teacher's features of some images, in their order, out of a safetensors file for each data set: a tensor
 * `features`, [images, channels] or [images, places, channels], and in the metadata `images`, a JSON list of the images'
 * names, as the data set has them or by their files' names alone, in the order of the rows. Rows are found by name, so a
 * file may hold more images than are wanted, in any order. Throws FormatError for a file of another form and where an image has no row.
 */
export async function readTeachers(
  files: readonly string[],
  images: readonly TunedImage[],
): Promise<FeatureTable> {
  const teachers: TeacherFile[] = [];
  for (const file of files) teachers.push(await readTeacher(file));
  const [{ rowShape }] = teachers;
  for (const [set, teacher] of teachers.entries()) {
    if (sameShape(teacher.rowShape, rowShape)) continue;
    throw new FormatError(
      `${files[set]}: the features of an image are [${teacher.rowShape.join(', ')}], those in ${files[0]} [${rowShape.join(', ')}]; give files of one teacher`,
    );
  }
  const width = elementCount(rowShape);
  const data = new Float32Array(images.length * width);
  for (const [set, { rows, data: from }] of teachers.entries()) {
    const rowOf = rowFinder(
      rows,
      images.filter((one) => one.set === set),
    );
    const lacking: string[] = [];
    for (const [number, { set: own, image }] of images.entries()) {
      if (own !== set) continue;
      const row = rowOf(image);
      if (row === undefined) lacking.push(image);
      else for (let at = 0; at < width; at++) data[number * width + at] = from[row * width + at];
    }
    if (lacking.length > 0) {
      throw new FormatError(
        `${files[set]}: has no features of ${lacking.length} of the images, first ${lacking[0]}; its metadata "images" must name them as the data set does`,
      );
    }
  }
  if (!data.every(Number.isFinite)) {
    throw new FormatError(
      `${files.join(', ')}: holds features that are no finite numbers; compute them again`,
    );
  }
  return { rowShape, data };
}

/** Finds an image's row by its name, or by its file's name alone where only one of the images has that. */
function rowFinder(
  rows: ReadonlyMap<string, number>,
  images: readonly TunedImage[],
): (image: string) => number | undefined {
  const bare = (image: string): string => image.slice(image.lastIndexOf('/') + 1);
  const count = new Map<string, number>();
  for (const { image } of images) count.set(bare(image), (count.get(bare(image)) ?? 0) + 1);
  return (image) => rows.get(image) ?? (count.get(bare(image)) === 1 ? rows.get(bare(image)) : undefined);
}

async function readTeacher(file: string): Promise<TeacherFile> {
  const { weights, metadata } = readSafetensors(await readFile(file), file);
  const features = weights.get('features');
  if (!features || features.shape.length < 2 || features.shape.length > 3) {
    const given = features ? `"features" is [${features.shape.join(', ')}]` : 'there is no tensor "features"';
    throw new FormatError(
      `${file}: ${given}; a teacher's file has "features" of [images, channels] or [images, places, channels]`,
    );
  }
  const names = namesOf(metadata.images);
  if (!names) {
    throw new FormatError(
      `${file}: its metadata has no "images"; put a JSON list of the images' names there, in the order of the rows`,
    );
  }
  const [count, ...rowShape] = features.shape;
  if (names.length !== count) {
    throw new FormatError(`${file}: "images" names ${names.length} images, and "features" has ${count} rows`);
  }
  const rows = new Map(names.map((name, row) => [name, row]));
  if (rows.size !== count) {
    const twice = names.find((name, row) => rows.get(name) !== row);
    throw new FormatError(`${file}: "images" names ${twice} twice`);
  }
  // Decoded once: a half-precision tensor's data are made anew at every read.
  return { rowShape, data: features.data, rows };
}

function namesOf(text: string | undefined): string[] | null {
  try {
    const names: unknown = JSON.parse(text ?? '');
    return Array.isArray(names) && names.every((name) => typeof name === 'string') ? names : null;
  } catch {
    return null;
  }
}

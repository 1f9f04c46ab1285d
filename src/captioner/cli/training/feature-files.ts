import { type FileHandle, open } from 'node:fs/promises';
import { FormatError } from '../../../kernels/op/errors.ts';
import { elementCount } from '../../../kernels/op/spec.ts';
import { float16ToFloat32 } from '../../../nn/formats/float16.ts';

/** Where the features of an image lie. */
export interface FeaturePlace {
  readonly file: string;
  readonly row: number;
  /** Rows that the file must have. */
  readonly rows: number;
}

/**
 * Features of images in the files of a cache, read as they are wanted: the activations of 16,000 images in the middle of
 * an InceptionV3 take 7 GB, which a batch does not need at once.
 */
export class FeatureFiles {
  /** Shape of one image's features. */
  readonly rowShape: readonly number[];
  readonly #places: readonly FeaturePlace[];

  /** Each file has one tensor [rows, …rowShape], in float32 or float16. */
  constructor(rowShape: readonly number[], places: readonly FeaturePlace[]) {
    this.rowShape = rowShape;
    this.#places = places;
  }

  /**
   * The features of some images, by their positions among the places, one row after the other. Throws FormatError for a
   * file whose size is not that of its rows.
   */
  async rows(images: readonly number[]): Promise<Float32Array<ArrayBuffer>> {
    const width = elementCount(this.rowShape);
    const result = new Float32Array(images.length * width);
    const wanted = new Map<string, { place: FeaturePlace; at: number }[]>();
    for (const [at, image] of images.entries()) {
      const place = this.#places[image];
      const others = wanted.get(place.file);
      if (others) others.push({ place, at });
      else wanted.set(place.file, [{ place, at }]);
    }
    for (const [file, rows] of wanted) {
      const handle = await open(file);
      try {
        const { begin, size } = await layoutOf(handle, file, rows[0].place.rows * width);
        for (const { place, at } of rows) {
          const bytes = new Uint8Array(width * size);
          await handle.read(bytes, 0, bytes.length, begin + place.row * bytes.length);
          const values =
            size === 4 ? new Float32Array(bytes.buffer) : float16ToFloat32(new Uint16Array(bytes.buffer));
          result.set(values, at * width);
        }
      } finally {
        await handle.close();
      }
    }
    return result;
  }
}

/** Where the numbers of a safetensors file of one tensor begin, and the bytes that each takes. */
async function layoutOf(
  handle: FileHandle,
  file: string,
  count: number,
): Promise<{ begin: number; size: 2 | 4 }> {
  const { size: total } = await handle.stat();
  const head = new Uint8Array(8);
  await handle.read(head, 0, 8, 0);
  const begin = 8 + Number(new DataView(head.buffer).getBigUint64(0, true));
  for (const size of [2, 4] as const) if (total === begin + count * size) return { begin, size };
  throw new FormatError(
    `${file}: does not hold the ${count} features that belong there; delete it and it is computed again`,
  );
}

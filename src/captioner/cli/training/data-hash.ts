import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { imageDigest } from './image-digests.ts';
import type { TextFile } from './text.ts';
import type { OpenedSet } from './training-data.ts';

/**
 * SHA-256, in hexadecimal digits, of what the sets have for training and choosing: names and bytes of the images, and
 * their captions; and of the text's sentences. Where the folders lie does not matter.
 */
export async function hashOfData(
  sets: readonly OpenedSet[],
  text: readonly TextFile[] = [],
): Promise<string> {
  const hash = createHash('sha256');
  for (const { folder, set } of sets) {
    for (const split of ['train', 'dev'] as const) {
      for (const { image, captions } of set[split]) {
        const digest = await imageDigest(join(folder, image));
        hash.update(`${JSON.stringify([split, image, digest, captions])}\n`);
      }
    }
  }
  for (const { sentences } of text) hash.update(`${JSON.stringify(sentences)}\n`);
  return hash.digest('hex');
}

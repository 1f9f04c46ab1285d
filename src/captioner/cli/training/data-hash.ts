import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { TextFile } from './text.ts';
import type { OpenedSet } from './training-data.ts';

/**
 * SHA-256, in hexadecimal digits, of what the sets have for training and choosing: names and sizes of the images, and
 * their captions; and of the text's sentences. The images' bytes are not read, and where the folders lie does not matter.
 */
export function hashOfData(sets: readonly OpenedSet[], text: readonly TextFile[]): string {
  const hash = createHash('sha256');
  for (const { folder, set } of sets) {
    for (const split of ['train', 'dev'] as const) {
      for (const { image, captions } of set[split]) {
        const size = statSync(join(folder, image), { throwIfNoEntry: false })?.size ?? null;
        hash.update(`${JSON.stringify([split, image, size, captions])}\n`);
      }
    }
  }
  for (const { sentences } of text) hash.update(`${JSON.stringify(sentences)}\n`);
  return hash.digest('hex');
}

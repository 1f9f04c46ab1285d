import { PNG } from 'pngjs';
import { captionImages, type Session } from '../src/captioner/cli/caption-images.ts';
import type { ImageInput } from '../src/captioner/cli/inputs.ts';

/** Runs the command's loop on a session of the test's own. */
export async function captionWith(
  inputs: ImageInput[],
  open: () => Promise<Session>,
  flags: Partial<Parameters<typeof captionImages>[2]> = {},
) {
  const printed: string[] = [];
  const said: string[] = [];
  const terminal = {
    closed: false,
    print: (text: string) => void printed.push(text),
    say: (text: string) => void said.push(text),
  };
  const settings = { beam: 3, json: false, verbose: false, ...flags };
  const code = await captionImages(inputs, open, settings, terminal);
  return { code, printed, said };
}

/** A session that captions by `caption`, and counts how often it is closed. */
export function session(
  caption: Session['caption'] = async ({ width, height }, { beam }) => ({
    caption: `${width} by ${height}, beam ${beam}`,
    tokens: [4, 3],
    logProbability: -2.5,
    meanLogProbability: -1.25,
    unsure: false,
    alternatives: [],
    attention: null,
  }),
): Session & { closed: number } {
  return {
    device: 'cpu',
    caption,
    peakBytes: () => 12e6,
    closed: 0,
    close() {
      this.closed += 1;
    },
  };
}

/** An image to caption, 4 × 3 pixels unless its bytes are given. */
export function input(
  path: string,
  bytes: Uint8Array = PNG.sync.write(new PNG({ width: 4, height: 3 })),
): ImageInput {
  return { path, name: path, read: async () => bytes };
}

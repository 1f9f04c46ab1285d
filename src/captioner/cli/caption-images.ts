import { DeviceLostError, ImageError } from '../../kernels/errors.ts';
import type { Caption } from '../captioner.ts';
import { decodeImage } from '../images/decode-image.ts';
import type { RgbImage } from '../images/rgb-image.ts';
import { UsageError } from './arguments.ts';
import type { ImageInput } from './inputs.ts';
import { messageOf, type Terminal } from './terminal.ts';

/** A loaded captioner on its device. */
export interface Session {
  /** `webgpu` or `cpu`. */
  device: string;
  caption(image: RgbImage, options: { beam: number }): Promise<Caption>;
  /** Most bytes of the device that were in use or kept for reuse so far. */
  peakBytes(): number;
  close(): void;
}

export interface CaptionSettings {
  beam: number;
  json: boolean;
  verbose: boolean;
}

/** An element of the `--json` array: `score` is the caption's log probability, `milliseconds` covers decoding and captioning. */
type Result =
  | { path: string; caption: string; score: number; device: string; milliseconds: number }
  | { path: string; error: string };

/** Opens the session at the first image that decodes, and anew after its device was lost. */
class LazySession {
  private session: Session | undefined;
  constructor(private readonly open: () => Promise<Session>) {}

  async caption(image: RgbImage, beam: number): Promise<Caption & { device: string }> {
    this.session ??= await this.open().catch((error: unknown) => {
      throw new UsageError(messageOf(error), { cause: error });
    });
    const session = this.session;
    try {
      return { ...(await session.caption(image, { beam })), device: session.device };
    } catch (error) {
      if (error instanceof DeviceLostError) this.close();
      throw error;
    }
  }

  /** Undefined while no session is open. */
  get peakBytes(): number | undefined {
    return this.session?.peakBytes();
  }

  close(): void {
    this.session?.close();
    this.session = undefined;
  }
}

async function captionOne(
  input: ImageInput,
  lazy: LazySession,
  beam: number,
): Promise<Result & { note: string }> {
  const bytes = await input.read();
  const start = performance.now();
  const image = decodeImage(bytes, input.name);
  const decoded = performance.now();
  let result: Caption & { device: string };
  try {
    result = await lazy.caption(image, beam);
  } catch (error) {
    if (!(error instanceof DeviceLostError)) throw error;
    result = await lazy.caption(image, beam);
  }
  const end = performance.now();
  const { caption, logProbability: score, device } = result;
  const [decoding, captioning] = [decoded - start, end - decoded].map((time) => time.toFixed(0));
  const note = `${input.path}: ${image.width}×${image.height} decoded in ${decoding} ms, captioned in ${captioning} ms`;
  return { path: input.path, caption, score, device, milliseconds: Math.round(end - start), note };
}

/**
 * Captions images one after the other and prints them: the caption alone where there is one image, `path: caption`
 * lines otherwise, or one JSON array. An image that fails costs one line on standard error and does not stop the rest.
 * Resolves to the exit code, 0 or 1 (some image failed). Where `open` fails the run ends with a {@link UsageError}.
 */
export async function captionImages(
  inputs: ImageInput[],
  open: () => Promise<Session>,
  { beam, json, verbose }: CaptionSettings,
  terminal: Terminal,
): Promise<number> {
  const lazy = new LazySession(open);
  const results: Result[] = [];
  let failures = 0;
  try {
    for (const input of inputs) {
      if (terminal.closed) break;
      try {
        const { note, ...result } = await captionOne(input, lazy, beam);
        results.push(result);
        if (verbose) terminal.say(note);
        if (!json && 'caption' in result) {
          terminal.print(inputs.length === 1 ? result.caption : `${input.path}: ${result.caption}`);
        }
      } catch (error) {
        if (error instanceof UsageError) throw error;
        failures += 1;
        const message = messageOf(error);
        const line =
          error instanceof ImageError ? message : `${input.name} could not be captioned: ${message}`;
        results.push({ path: input.path, error: line });
        terminal.say(line);
      }
    }
    const { peakBytes } = lazy;
    if (verbose && peakBytes !== undefined)
      terminal.say(`peak device memory ${(peakBytes / 1e6).toFixed(0)} MB`);
  } finally {
    lazy.close();
  }
  if (json) terminal.print(JSON.stringify(results, null, 2));
  return failures > 0 ? 1 : 0;
}

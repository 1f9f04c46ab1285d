import { DeviceLostError, ImageError } from '../../kernels/op/errors.ts';
import type { Caption, CaptionOptions, Sentence } from '../captioner.ts';
import { decodeImage } from '../images/decode-image.ts';
import type { RgbImage } from '../images/rgb-image.ts';
import { UsageError } from './arguments.ts';
import type { ImageInput } from './inputs.ts';
import { messageOf, type Terminal } from './terminal.ts';

/** A loaded captioner on its device. */
export interface Session {
  /** `webgpu` or `cpu`. */
  device: string;
  caption(image: RgbImage, options: CaptionOptions): Promise<Caption>;
  /** Most bytes of the device that were in use or kept for reuse so far. */
  peakBytes(): number;
  close(): void;
}

export interface CaptionSettings {
  beam: number;
  /** How many sentences are shown of each image; undefined: the caption alone, without figures. */
  top?: number;
  json: boolean;
  verbose: boolean;
  /** Called with each image that was captioned; captions then hold attention maps. */
  showAttention?: (name: string, image: RgbImage, caption: Caption) => void;
}

interface Captioned extends Caption {
  readonly device: string;
  readonly milliseconds: number;
  /** For `--verbose`. */
  readonly note: string;
}

/** Opens the session at the first image that decodes, and anew after its device was lost. */
class LazySession {
  private session: Session | undefined;
  constructor(private readonly open: () => Promise<Session>) {}

  async caption(image: RgbImage, options: CaptionOptions): Promise<Caption & { device: string }> {
    this.session ??= await this.open().catch((error: unknown) => {
      throw new UsageError(messageOf(error), { cause: error });
    });
    const session = this.session;
    try {
      return { ...(await session.caption(image, options)), device: session.device };
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
  { beam, top, showAttention }: CaptionSettings,
): Promise<Captioned> {
  const bytes = await input.read();
  const start = performance.now();
  const image = decodeImage(bytes, input.name);
  const decoded = performance.now();
  const options = { beam, top, attention: showAttention !== undefined };
  let result: Caption & { device: string };
  try {
    result = await lazy.caption(image, options);
  } catch (error) {
    if (!(error instanceof DeviceLostError)) throw error;
    result = await lazy.caption(image, options);
  }
  const end = performance.now();
  showAttention?.(input.name, image, result);
  const [decoding, captioning] = [decoded - start, end - decoded].map((time) => time.toFixed(0));
  const note = `${input.path}: ${image.width}×${image.height} decoded in ${decoding} ms, captioned in ${captioning} ms`;
  return { ...result, milliseconds: Math.round(end - start), note };
}

/**
 * An element of the `--json` array: `score` is the caption's log probability, `milliseconds` covers decoding and
 * captioning.
 */
function resultOf(path: string, captioned: Captioned, { top }: CaptionSettings) {
  const { caption, logProbability: score, meanLogProbability, unsure, device, milliseconds } = captioned;
  const alternatives = captioned.alternatives.map((sentence) => ({
    caption: sentence.caption,
    probability: Math.exp(sentence.logProbability),
    score: sentence.logProbability,
    meanLogProbability: sentence.meanLogProbability,
  }));
  const more = top === undefined ? {} : { probability: Math.exp(score), alternatives };
  return { path, caption, score, meanLogProbability, unsure, ...more, device, milliseconds };
}

/** The caption, and with `top` below its path a line for each sentence: its probability, the mean per word, its words. */
function linesOf(path: string, captioned: Captioned, { top }: CaptionSettings, alone: boolean): string[] {
  const caption = captioned.unsure ? `not sure: ${captioned.caption}` : captioned.caption;
  if (top === undefined) return [alone ? caption : `${path}: ${caption}`];
  return [`${path}: ${caption}`, ...[captioned, ...captioned.alternatives].map(sentenceLine)];
}

function sentenceLine({ caption, logProbability, meanLogProbability }: Sentence): string {
  const percent = 100 * Math.exp(logProbability);
  const digits = percent < 10 ? percent.toPrecision(2) : percent.toFixed(0);
  const shown = percent < 0.001 ? percent.toExponential(1) : digits;
  return `  ${shown.padStart(8)} %  ${meanLogProbability.toFixed(2).padStart(6)}  ${caption}`;
}

/**
 * Captions images one after the other and prints them: the caption alone where there is one image, `path: caption`
 * lines otherwise, or one JSON array. An image that fails costs one line on standard error and does not stop the rest.
 * Resolves to the exit code, 0 or 1 (some image failed). Where `open` fails the run ends with a {@link UsageError}.
 */
export async function captionImages(
  inputs: ImageInput[],
  open: () => Promise<Session>,
  settings: CaptionSettings,
  terminal: Terminal,
): Promise<number> {
  const { json, verbose } = settings;
  const lazy = new LazySession(open);
  const results: object[] = [];
  let failures = 0;
  try {
    for (const input of inputs) {
      if (terminal.closed) break;
      try {
        const captioned = await captionOne(input, lazy, settings);
        results.push(resultOf(input.path, captioned, settings));
        if (verbose) terminal.say(captioned.note);
        if (json) continue;
        for (const line of linesOf(input.path, captioned, settings, inputs.length === 1))
          terminal.print(line);
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

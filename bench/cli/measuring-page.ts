/** Measuring in headless Chromium. Every workplace is a browser of its own, so that no compiled shader is left from another. */
import { type OpenedPage, openPage } from '../../scripts/browser/open-page.ts';
import { startStaticServer } from '../../scripts/browser/static-server.mjs';
import type { Request } from '../measure/protocol.ts';
import '../browser/page-interface.ts';
import type { Machine } from '../report/results.ts';
import type { Target } from './measure-device.ts';
import { Workplace } from './workplace.ts';

/** A page that measures. */
class MeasuringPage extends Workplace {
  readonly #opened: OpenedPage;

  private constructor(opened: OpenedPage) {
    super();
    this.#opened = opened;
    opened.page.on('crash', () => this.ended('the page crashed'));
    opened.page.on('close', () => this.ended(`the page is gone${this.#lastComplaint()}`));
  }

  static async open(open: () => Promise<OpenedPage>): Promise<MeasuringPage> {
    const opened = await open();
    const place = new MeasuringPage(opened);
    await opened.page.exposeFunction('say', (reply: Parameters<MeasuringPage['hear']>[0]) =>
      place.hear(reply),
    );
    return place;
  }

  protected override post(request: Request): void {
    this.#opened.page
      .evaluate((asked) => window.answer(asked), request)
      .then(
        (answer) => this.hear({ kind: 'answer', answer }),
        (error: Error) => this.hear({ kind: 'error', message: error.message.split('\n')[0] }),
      );
  }

  override close(): void {
    // What it was at no longer matters, nor that it cannot be closed because it crashed.
    this.#opened.close().catch(() => {});
  }

  #lastComplaint(): string {
    const last = this.#opened.complaints.at(-1);
    return last === undefined ? '' : `, saying: ${last}`;
  }
}

export interface Chromium {
  readonly path: string;
  readonly version: string;
}

/**
 * The devices of a browser: its WebGPU adapter, and its processor with all threads. `folder` is where the built page lies,
 * from the repository's root. `adapter` says which adapter Chromium is told to take. Ends with `close`.
 */
export async function browserTargets(
  chromium: Chromium,
  folder: string,
  adapter: 'swiftshader' | 'system',
  machine: Machine,
): Promise<{ targets: Target[]; close(): Promise<void> }> {
  const server = await startStaticServer();
  const open = () => openPage(chromium.path, `${server.origin}/${folder}/index.html`, adapter);
  const start = () => MeasuringPage.open(open);
  const first = await open();
  const found = await first.page.evaluate(() => window.describeAdapter());
  await first.close();
  const targets: Target[] = [
    {
      device: 'chromium-cpu',
      kind: 'cpu',
      threads: machine.cores,
      description: `${machine.processor}, ${machine.cores} threads, WebAssembly, ${chromium.version}`,
      software: false,
      start,
    },
  ];
  if (found) {
    const description = `${found.description}, ${chromium.version}`;
    targets.unshift({
      device: 'chromium-webgpu',
      kind: 'webgpu',
      threads: null,
      ...found,
      description,
      start,
    });
  }
  return { targets, close: () => server.close() };
}

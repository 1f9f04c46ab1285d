/** CaptionerWorker as a page has it: from the built package, which fetches its own thread. */
import type { DownloadProgress } from '../../src/captioner/sources/download.ts';
import type * as library from '../../src/worker.ts';
import { model, type WorkerReport } from './report.ts';

const built = '/dist/browser/worker.js';
const photograph = '/test/images/cat.jpg';

const refusal = (work: Promise<unknown>) =>
  work.then(
    () => 'none',
    (error: Error) => `${error.constructor.name}: ${error.message}`,
  );

async function imageElement(): Promise<HTMLImageElement> {
  const element = new Image();
  element.src = photograph;
  await element.decode();
  return element;
}

function canvasOf(element: HTMLImageElement): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [element.naturalWidth, element.naturalHeight];
  canvas.getContext('2d')?.drawImage(element, 0, 0);
  return canvas;
}

/** The longest task above 50 ms so far; browsers report no shorter ones. */
function watchTasks(): () => number {
  const observer = new PerformanceObserver(() => undefined);
  observer.observe({ type: 'longtask' });
  const durations: number[] = [];
  return () => {
    durations.push(...observer.takeRecords().map(({ duration }) => duration));
    return Math.max(0, ...durations);
  };
}

async function work(): Promise<WorkerReport> {
  const { CaptionerWorker }: typeof library = await import(built);
  const messages: DownloadProgress[][] = [[], []];
  const start = (visit: number) =>
    CaptionerWorker.start({
      model: `/${model}`,
      prefer: 'cpu',
      threads: 1,
      onProgress: (progress) => messages[visit].push(progress),
    });
  const longest = watchTasks();
  const captioner = await start(0);
  const file = await (await fetch(photograph)).blob();
  const words: string[] = [];
  const captions: Record<string, string> = {};
  captions.file = (await captioner.caption(file, { onWord: (soFar) => words.push(soFar) })).caption;
  const longestTask = longest();
  const element = await imageElement();
  const canvas = canvasOf(element);
  const bitmap = await createImageBitmap(file);
  const { width, height } = canvas;
  const pixels = canvas.getContext('2d')?.getImageData(0, 0, width, height) as ImageData;
  for (const [name, picture] of Object.entries({ element, canvas, bitmap, pixels })) {
    captions[name] = (await captioner.caption(picture)).caption;
  }
  captions['the bitmap again'] = (await captioner.caption(bitmap)).caption;
  const controller = new AbortController();
  const aborted = captioner.caption(file, {
    signal: controller.signal,
    onWord: () => controller.abort(new Error('enough')),
  });
  const refusals: Record<string, string> = {
    aborted: await refusal(aborted),
    'a text': await refusal(captioner.caption(new File(['no image at all'], 'notes.txt'))),
    'wrong top': await refusal(captioner.caption(file, { top: 0 })),
    'no model': await refusal(CaptionerWorker.start({ model: '/models/none', prefer: 'cpu' })),
    'no script': await refusal(CaptionerWorker.start({ model: `/${model}`, script: '/dist/none.js' })),
  };
  captions['after refusals'] = (await captioner.caption(file)).caption;
  const left = captioner.caption(file);
  captioner.close();
  refusals.closed = await refusal(left);
  refusals['used when closed'] = await refusal(captioner.caption(file));
  (await start(1)).close();
  return {
    description: captioner.description,
    captions,
    words,
    loaded: messages.map((visit) => Object.fromEntries(visit.map(({ file, loaded }) => [file, loaded]))),
    messagesOfKept: messages[1].filter(({ file }) => file === 'decoder.safetensors').length,
    refusals,
    longestTask,
  };
}

window.worker = work();

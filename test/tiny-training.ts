import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const sentences: Readonly<Record<string, string>> = {
  astronaut: 'an astronaut smiles',
  cat: 'a cat looks away',
  coffee: 'a cup of coffee',
  photographer: 'a man takes a photograph',
  rocket: 'a rocket starts at night',
};

export const tinyModel = [
  ...['--lstm-size', '8', '--embedding', '8', '--encoding-size', '8', '--minimum-count', '1'],
  ...['--image-side', '75', '--outputs', 'mixed0'],
];
export const steady = [
  ...['--batch-images', '2', '--learning-rate', '0.015', '--patience', '99'],
  ...['--device', 'cpu', '--threads', '1'],
];

/** A line of metrics.jsonl. */
export interface MetricsLine {
  readonly epoch: number;
  readonly trainLoss: number;
  readonly devLoss: number;
  readonly sets?: readonly { readonly data: string; readonly devLoss: number; readonly devCider?: number }[];
  readonly devCider?: number;
  readonly devBleu4?: number;
}

/** A folder with a data set of five images in `data`, four to train on and one to choose by, and runs of train on it. */
export class TinyTraining {
  readonly folder = mkdtempSync(join(tmpdir(), 'ekphrasis-train-'));

  constructor() {
    mkdirSync(this.at('data', 'Images'), { recursive: true });
    const lines = Object.entries(sentences).map(([name, sentence]) => {
      copyFileSync(join('test', 'images', `${name}.jpg`), this.at('data', 'Images', `${name}.jpg`));
      return `${name}.jpg,${sentence}\n${name}.jpg,this is ${sentence}`;
    });
    writeFileSync(this.at('data', 'captions.txt'), `image,caption\n${lines.join('\n')}\n`);
    writeFileSync(
      this.at('data', 'Flickr_8k.trainImages.txt'),
      'astronaut.jpg\ncat.jpg\nphotographer.jpg\nrocket.jpg\n',
    );
    writeFileSync(this.at('data', 'Flickr_8k.devImages.txt'), 'coffee.jpg\n');
  }

  at(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  /** The arguments of a tiny training into the folder `out`. */
  args(out: string, ...more: string[]): string[] {
    return ['--data', this.at('data'), ...this.argsWithoutData(out, ...more)];
  }

  argsWithoutData(out: string, ...more: string[]): string[] {
    return ['--out', this.at(out), '--cache', this.at('cache'), ...tinyModel, ...steady, ...more];
  }

  run(...args: string[]) {
    return spawnSync('node', ['dist/train.js', ...args], { encoding: 'utf8' });
  }

  metrics(out: string): MetricsLine[] {
    return readFileSync(this.at(out, 'metrics.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

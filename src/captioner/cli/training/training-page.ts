import { html } from '../pages/html.ts';
import { bestOf } from './best-epoch.ts';
import type { TrainingState } from './checkpoint.ts';
import type { Epoch } from './epoch.ts';
import type { Series } from './line-chart.ts';
import type { ReportFacts } from './report-facts.ts';
import { type Progress, runPage, seriesOf } from './run-page.ts';

/** The page of a training: curves, captions of some images, epochs and settings. */
export function trainingPage(state: TrainingState, facts: ReportFacts, progress: Progress): string {
  const { settings, history, samples, config, dataHash } = state;
  const best = bestOf(history, settings.chooseBy);
  return runPage(
    {
      heading: 'Training of a captioner',
      reached: `epoch ${history.length} of ${settings.epochs}`,
      summary: html`${history.length} of ${settings.epochs} epochs done, ${progress}${best ? html`; the best is epoch ${best.epoch}` : ''}.
${trainedOn(facts)}, ${facts.images.dev} to choose by, ${facts.wordIds} word ids. Device: ${facts.device}.`,
      charts: charts(history),
      samples,
      columns: ['epoch', 'loss or reward', 'dev loss', 'CIDEr', 'BLEU-4', 'learning rate', 'seconds'],
      rows: history.map(cells),
      config,
      dataHash,
    },
    progress,
  );
}

function trainedOn({ images, text }: ReportFacts): string {
  if (text.length === 0) return `${images.train} images to train on`;
  const sentences = text.reduce((sum, file) => sum + file.sentences, 0);
  return `A language model of ${sentences} sentences without images; of ${images.train} images the features' statistics`;
}

function charts(history: readonly Epoch[]): [title: string, series: Series[]][] {
  const of = (name: string, value: (line: Epoch) => number | undefined) => seriesOf(history, name, value);
  const sets = history[0]?.sets ?? [];
  const ofSets = (measure: 'devLoss' | 'devCider') =>
    sets.map(({ data }, index) => of(data, ({ sets: measured }) => measured?.[index]?.[measure]));
  return [
    [
      'Loss per word, in nats',
      [
        of('training', ({ trainLoss }) => trainLoss ?? undefined),
        of('development', ({ devLoss }) => devLoss),
        ...ofSets('devLoss'),
      ],
    ],
    ['CIDEr of development images', [of('CIDEr', ({ devCider }) => devCider), ...ofSets('devCider')]],
    ['BLEU-4 of development images', [of('BLEU-4', ({ devBleu4 }) => devBleu4)]],
    ['Mean reward', [of('reward', ({ trainReward }) => trainReward ?? undefined)]],
    ['Learning rate', [of('learning rate', ({ learningRate }) => learningRate)]],
  ];
}

const cells = (line: Epoch) => [
  line.epoch,
  (line.trainLoss ?? line.trainReward)?.toFixed(4) ?? '',
  line.devLoss.toFixed(4),
  line.devCider?.toFixed(3) ?? '',
  line.devBleu4?.toFixed(3) ?? '',
  Number(line.learningRate.toPrecision(3)),
  line.seconds,
];

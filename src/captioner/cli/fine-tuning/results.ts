import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeSafetensors } from '../../../nn/formats/safetensors.ts';
import type { Weights } from '../../../nn/formats/weights.ts';
import { convolutionOf } from '../../../nn/inception-v3/architecture.ts';
import { named } from '../training/checkpoint.ts';
import { writeWhole } from '../writing.ts';
import { type FineTuned, layerFacts, layerFile } from './build.ts';
import type { FineTuningState } from './checkpoint.ts';

/**
 * Writes what was trained, in its average where there is one: the encoder with what lies below as it was, the layers of
 * the objectives, and where captions were trained for the whole model folder.
 */
export async function writeResults(
  out: string,
  { settings, words, model: trainedWith }: FineTuningState,
  { model, objective, average }: FineTuned,
  before: Weights,
): Promise<void> {
  const { precision } = settings;
  const putBack = average?.swapIn();
  try {
    // Whatever stops this on the way, no folder says that it is a model whose parts do not belong together.
    await rm(join(out, 'config.json'), { force: true });
    const encoder = await model.network.toWeights();
    const below = [...before.values()].filter(({ name }) => isBelow(name, encoder));
    const encoderFile = trainedWith?.config.encoder.weights ?? 'encoder.safetensors';
    await writeWhole(
      join(out, encoderFile),
      writeSafetensors([...below, ...named(encoder)], { encoding: precision }),
    );
    for (const name of ['words', 'features'] as const) {
      const part = objective[name];
      if (!part || part.parameters().size === 0) continue;
      const metadata = { facts: JSON.stringify(layerFacts(name, settings, words)) };
      await writeWhole(join(out, layerFile(name)), writeSafetensors(named(await part.save()), { metadata }));
    }
    if (!trainedWith || !objective.captions) return;
    // The mark "not sure" goes by the probabilities of the model that it was chosen for.
    const { unsureBelow: _, ...config } = trainedWith.config;
    const decoder = await objective.captions.decoder.save();
    await writeWhole(
      join(out, config.decoder.weights),
      writeSafetensors(named(decoder), { encoding: precision }),
    );
    await writeWhole(join(out, config.tokenizer), `${JSON.stringify(trainedWith.tokenizer, null, 1)}\n`);
    await writeWhole(join(out, 'config.json'), `${JSON.stringify(config, null, 1)}\n`);
  } finally {
    putBack?.();
  }
}

/** Whether a weight's convolution comes before all that were trained; what lies above is of no use any more. */
function isBelow(name: string, trained: ReadonlyMap<string, unknown>): boolean {
  return convolutionOf(name) < Math.min(...[...trained.keys()].map(convolutionOf));
}

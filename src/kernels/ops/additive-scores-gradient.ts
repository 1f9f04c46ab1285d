import keysSource from '../../../shaders/additive-scores-gradient-keys.wgsl';
import queriesSource from '../../../shaders/additive-scores-gradient-queries.wgsl';
import { checkDType, checkInputCount, checkShape } from '../op/checks.ts';
import type { BindingReference, NoAttributes, OpDefinition } from '../op/op.ts';
import { floatSample } from '../op/samples.ts';
import { elementCount } from '../op/spec.ts';
import { chosen } from '../parts/choice.ts';
import { elementLaunch } from '../parts/element-kernels.ts';
import { additiveCases, additiveEdges, additiveGeometry, checkAdditive } from './additive-scores.ts';

declare module '../op/op.ts' {
  interface OpAttributes {
    additiveScoresGradient: NoAttributes;
  }
}

/** Backward pass of additiveScores; the tanh of every place is computed again, which is cheaper than keeping it. */
export const additiveScoresGradient: OpDefinition<NoAttributes> = {
  name: 'additiveScoresGradient',
  summary:
    'keys [N, P, A], queries [B, A], score [A], choice int32 [B], g [B, P] -> dkeys [N, P, A], dqueries [B, A], ' +
    'dscore [B, A] of each row',
  infer(specs) {
    checkInputCount('additiveScoresGradient', specs, 5);
    checkAdditive('additiveScoresGradient', specs);
    const [keys, queries, , , g] = specs;
    checkDType('additiveScoresGradient', 'g', g, 'float32');
    checkShape('additiveScoresGradient', 'g', g, [queries.shape[0], keys.shape[1]]);
    return [keys, queries, queries];
  },
  cpu({ inputs: [keys, queries, score, choice, g], inputSpecs, outputs: [dKeys, dQueries, dScore] }) {
    const { grids, places, units, rows } = additiveGeometry(inputSpecs);
    const ofKeys = new Float64Array(keys.length);
    for (let row = 0; row < rows; row++) {
      const grid = chosen(choice, row, grids);
      for (let i = 0; i < units; i++) {
        let [ofQuery, ofScore] = [0, 0];
        for (let place = 0; grid >= 0 && place < places; place++) {
          const at = (grid * places + place) * units + i;
          const t = Math.tanh(keys[at] + queries[row * units + i]);
          const slope = g[row * places + place] * score[i] * (1 - t * t);
          ofKeys[at] += slope;
          ofQuery += slope;
          ofScore += g[row * places + place] * t;
        }
        dQueries[row * units + i] = ofQuery;
        dScore[row * units + i] = ofScore;
      }
    }
    dKeys.set(ofKeys);
  },
  simd({ inputs: addresses, inputSpecs, outputs: [dKeys, dQueries, dScore], run }) {
    const { grids, places, units, rows } = additiveGeometry(inputSpecs);
    const [keys, queries, score, choice, g] = addresses;
    // The last unit is that of the rows that look at no grid.
    run(
      'additiveScoresGradient',
      [keys, queries, score, choice, g, dKeys, dQueries, dScore, grids, places, units, rows],
      grids + 1,
      (3 * rows * places * units) / (grids + 1),
    );
    return true;
  },
  wgsl({ inputs: specs, adapter }) {
    const { grids, places, units, rows } = additiveGeometry(specs);
    const reading: readonly BindingReference[] = [0, 1, 2, 3, 4].map((input) => ({ input }));
    const ofKeys = {
      hook: { name: 'additive-scores-gradient-keys', source: keysSource },
      size: elementCount(specs[0].shape),
      uniforms: { places, units, rows },
      bindings: [...reading, { output: 0 }],
    };
    const ofQueries = {
      hook: { name: 'additive-scores-gradient-queries', source: queriesSource },
      size: elementCount(specs[1].shape),
      uniforms: { grids, places, units },
      bindings: [...reading, { output: 1 }, { output: 2 }],
    };
    return [ofKeys, ofQueries].map((kernel) => elementLaunch(kernel, adapter));
  },
  flops: ({ inputs: [keys, , , , g] }) => 9 * elementCount(g.shape) * keys.shape[2],
  gradient: 'none',
  samples: () =>
    [...additiveCases, ...additiveEdges].map(({ name, inputs: given }) => ({
      name,
      inputs: [...given, floatSample([given[1].shape[0], given[0].shape[1]], 8)],
      attributes: {},
    })),
};

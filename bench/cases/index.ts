import type { Case } from '../workload.ts';
import { convolutionCases } from './convolution.ts';
import { decoderTrainingCases } from './decoder-training.ts';
import { decodingCases } from './decoding.ts';
import { encoderTrainingCases } from './encoder-training.ts';
import { inceptionCases } from './inception-v3.ts';
import { lstmCases } from './lstm.ts';
import { matmulCases } from './matmul.ts';
import { poolingCases } from './pooling.ts';
import { rowCases } from './rows.ts';

/** Everything that the benchmark measures, in the order of its tables. Cheap: operands are drawn by each case's `workload`. */
export function allCases(): Case[] {
  return [
    ...matmulCases,
    ...convolutionCases(),
    ...poolingCases(),
    ...rowCases,
    ...lstmCases,
    ...inceptionCases(),
    ...decodingCases,
    ...decoderTrainingCases,
    ...encoderTrainingCases,
  ];
}

export const HELP = `Fine-tunes the encoder: trains the convolutions of an InceptionV3 from a stage up.

Usage: node dist/train.js --fine-tune STAGE [options] --encoder FILE --data PATH --out DIR
       node dist/train.js --fine-tune STAGE --objective captions [options] --from DIR --data PATH --out DIR

  --fine-tune STAGE      the first stage that is trained: stem1, stem2, mixed0 … mixed10, or all
  --encoder FILE         weights of InceptionV3 to begin with (default: the encoder of --from)
  --from DIR             of captions: model folder whose decoder is trained along, with its own --outputs, --image-side and
                         --reduce-to
  --data PATH            data set, a folder or a list, as for training a captioner; may be given several times
  --data-weight N        how often an epoch has the images of a data set; once for each --data, in their order (default: 1)
  --out DIR              folder for the result, the checkpoint and the metrics; made if it is not there
  --config FILE          JSON with settings by their flags' names, or a fine-tuning.json; the command line goes before it
  --resume               go on from the checkpoint in --out; only --steps and --epochs may change
  --force                begin anew in a folder that holds an encoder or a checkpoint
  --cache DIR            where what the untrained stages make of the images is kept, in float16 (default: .cache/features)
  --threads N, --device NAME
                         as for training a captioner

 Objective
  --objective NAMES      one or several, by commas (default: words):
                         words     tell which of the commonest words the captions of an image have
                         captions  write the captions, with the decoder of --from under teacher forcing, end to end
                         features  come close to the features that another encoder, the teacher, makes of the images
  --objective-weight R   what the loss of each is multiplied by, by commas in the order of --objective (default: 1 each)
  --outputs NAMES        the stages that are read, by commas; none above the last is computed (default: mixed8)
  --words N              words: how many (default: 1000)
  --articles NAME        captions: keep or strip a, an and the (default: keep)
  --max-words N          captions: longer ones are left out (default: 30)
  --label-smoothing E    captions: part of each word's weight that goes evenly to all words (default: 0)
  --doubly-stochastic L  captions: weight of the penalty on attention that leaves places out (default: 0)
  --dropout-encoding R, --dropout-embedding R, --dropout-output R
                         captions: of the decoder (default: 0.4 each)
  --teacher FILE         features: safetensors with a tensor "features", [images, channels] of averages or
                         [images, places, channels] of a grid, and in its metadata "images", a JSON list of the images'
                         names in that order, as the data set has them; once for each --data, in their order

 Images
  --image-side N         side of the square that images are resized to (default: 299)
  --reduce-to N          larger images are first averaged down to this side; 0 for never (default: 224)
  --flip                 mirror every second image at random
  --crop PART            cut out a part of at least this share of each side (default: 1, the whole)
  --colour PART          change brightness, contrast and saturation by at most this share (default: 0)
                         Where images are varied, the untrained stages are computed at every step; else once.

 Training
  --epochs N             (default: 1)
  --steps N              stop after so many steps, however many epochs that makes
  --batch-images N       images that are computed at once (default: 16)
  --accumulate N         batches whose gradients make one step (default: 1)
  --encoder-rate R       learning rate of the convolutions (default: 0.0001)
  --decoder-rate R       captions: learning rate of the decoder (default: 0.0005)
  --objective-rate R     learning rate of the layers of words and features (default: 0.001)
  --warm-up N            steps over which the rates rise to these; then they fall to 0 by half a cosine (default: 100)
  --weight-decay R       of AdamW: part of a weight that a step takes away, times the rate (default: 0)
  --clip-norm R          largest norm of all gradients together (default: 1)
  --moving-average D     keep the moving average of the weights with this decay; 0 for the last ones (default: 0.99)
  --measure N            development images that are measured after every epoch (default: 500)
  --held-out PART        part held out for that, and again for testing, where there are no split lists (default: 0.1)
  --checkpoint-minutes N minutes between two checkpoints; 0 for one after every step (default: 5)
  --plot FILE            page with the curves (default: training.html in --out)
  --precision NAME       float32 or float16 weights in the result (default: float16)
  --seed N               (default: 42)
  --version, --help

Losses are means: of words per image and word, of captions per word, in nats, and of features the squared error. After every
epoch they are measured on the development images; of words also the mean average precision of the 200 commonest, of captions
CIDEr and BLEU-4 of greedy captions, of features the part of the teacher's variance that is met. --out then holds
encoder.safetensors; with captions a whole model folder, for caption --model, evaluate --model and train --from. Ctrl-C saves
a checkpoint and ends; a second one ends at once. Exit code: 0 trained, 1 failed on the way, 2 cannot begin as written, 130
or 143 stopped by a signal. docs/FINE-TUNING.md has examples.`;

export const HELP = `Trains a captioner: an LSTM decoder over the features of a pretrained InceptionV3.

Usage: node dist/train.js [options] --data PATH --out DIR

  --data PATH            data set: a folder with Flickr8k (captions.txt or Flickr8k.token.txt, split lists) or MS COCO
                         (captions_*.json), or a list of images of its own folder, as CSV (columns image,caption in a
                         file that ends in .csv) or JSON lines ({"image": …, "captions": [ … ]}); given several times,
                         all of them are used
  --data-weight W        how often the images of a set come in an epoch, one for each --data in their order: with 0.5 a
                         half of them chosen anew each time (default: all once)
  --text FILE            sentences without images, one a line, for --objective language-model; may be given several times
  --out DIR              folder for the model, the checkpoint and the metrics; made if it is not there
  --config FILE          settings by the names of their flags, as JSON: {"data": ["DIR"], "lstm-size": 512, …}, or a
                         training.json, whose settings are taken; flags given beside it win
  --force                begin anew in a folder that holds a model or a checkpoint
  --resume               go on from the checkpoint in --out, with its settings; only --epochs and --patience may change
  --from DIR             begin with the weights and words of this model folder, which has the same sizes
  --average DIRS         no training: the mean of these model folders (by commas), trained on from one, into --out
  --fine-tune STAGE      trains the encoder instead, from this stage up: --fine-tune all --help lists its settings
  --encoder FILE         weights of InceptionV3 (default: those of the shipped model)
  --cache DIR            where image features are kept (default: .cache/features)
  --threads N            threads that compute (default: one a core; on WebGPU, one that feeds it)
  --device NAME          auto, webgpu or cpu (default: auto)

 Captions
  --articles NAME        keep or strip a, an and the (default: keep)
  --max-words N          longer captions are left out (default: 30)
  --minimum-count N      words seen less often become the unknown word (default: 4)
  --num-words N          ids stay below this number (default: no limit)
  --vocabulary NAME      language-model: whose words are counted: captions (the text's others become the unknown word) or
                         all (the text's too) (default: captions)
  --num-examples N       only the first so many captions are used (default: all)
  --best-captions N      of each image, dev too, only the N captions that agree best with its others (default: all)
  --held-out PART        part held out for choosing, and again for testing, where there are no split lists (default: 0.1)
  --seed N               of the split, the first weights, the order and the dropout (default: 42)

 Model
  --image-side N         side of the square that images are resized to (default: 235)
  --reduce-to N          larger images are first averaged down to this side; 0 for never (default: 224)
  --outputs NAMES        block outputs that are read, by commas (default: mixed7,mixed8)
  --pooling NAME         average, or grid (of one output) (default: average)
  --encoding-size N      width of the image's encoding (default: 256)
  --attention N          units of additive attention over the grid; 0 for none (default: 0)
  --gate                 attention's context goes through a sigmoid gate, channel by channel
  --initial-state NAME   dense (from the encoding, or the grid's mean) or zeros (default: dense, zeros with attention)
  --embedding N          width of a word's vector (default: 256)
  --lstm-size N          hidden units (default: 512)
  --layers N             layers of the LSTM, 1 or 2 (default: 1)
  --deep-output          a tanh layer over hidden state, context and word comes before the output layer
  --tie                  the output layer's kernel is the transpose of the word vectors
  --caption-length N     most words that the model writes (default: 20)

 Objective
  --objective NAME       cross-entropy (teacher forcing); or cider: self-critical training on the CIDEr-D of sentences that
                         the model draws, for a model that has learnt by cross-entropy (see --from); or language-model: a
                         decoder that sees no image learns the sentences of --text, for a training on --data that begins
                         with it (--from); validation is then of the captions without their images, and none are scored
                         (default: cross-entropy)
  --samples N            cider: sentences drawn for each image (default: 5)
  --baseline NAME        cider: what a sentence's score is compared with: mean (of the image's other samples) or greedy (the
                         sentence that the model would say) (default: mean)
  --cross-entropy-weight R
                         cider: how much the cross-entropy of people's captions counts beside (default: 0)

 Training
  --epochs N             (default: 10)
  --batch-images N       images a batch, each with all of its captions (default: 25)
  --batch-sentences N    language-model: sentences a batch (default: 128)
  --batches NAME         shuffled, or length: batches of sentences of similar length, which take fewer steps of the LSTM;
                         on the CPU device that saves little (default: shuffled)
  --optimiser NAME       adam, adamw, nadam or sgd (default: adam)
  --weight-decay R       of adamw: part of a weight that a step takes away, times the rate (default: 0.01)
  --momentum R           of sgd: part of the last step that is taken again (default: 0)
  --learning-rate R      (default: 0.001)
  --schedule NAME        how the rate goes on: constant, step, or cosine, down to 0 at the end (default: step)
  --warm-up N            steps over which the rate first rises evenly (default: 0)
  --decay R              of step: the rate is multiplied by this every epoch … (default: 0.8)
  --decay-every N        … or rather every so many steps …
  --decay-after N        … after so many epochs, or times that many steps (default: 4)
  --clip-norm R          largest norm of all gradients together (default: 5)
  --label-smoothing E    part of each word's weight that goes evenly to all words (default: 0)
  --doubly-stochastic L  weight of the penalty on attention that leaves places out (default: 0)
  --scheduled-sampling P probability that the model's own word enters in place of the true one (default: 0)
  --dropout-encoding R   (default: 0.4)
  --dropout-embedding R  (default: 0.4)
  --dropout-output R     (default: 0.4)
  --choose-by NAME       loss or cider: what decides which epoch's model is kept (default: loss; cider
                         with that objective)
  --patience N           epochs that were measured so and were not better before training stops (default: 2)
  --score-every N        development images are captioned and scored every so many epochs; 0 for never (default: 1)
  --score-images N       at most so many of each data set (default: 500)
  --score-beam N         width of the search for these captions; 1 is greedy (default: 1)
  --checkpoint-minutes N minutes between two checkpoints within an epoch; 0 for one after every batch (default: 10)
  --plot FILE            page with the curves and with captions of some images (default: training.html in --out)
  --precision NAME       float32 or float16 weights of the decoder in the model (default: float16)
  --version, --help

Losses are means per word in nats: that of training is what is minimised, that of validation plain cross-entropy. --out then holds a model folder for caption --model, metrics.jsonl with one line an
epoch, training.json, and checkpoint.safetensors. Several data sets have a loss each, and their mean chooses. Ctrl-C saves a
checkpoint and ends; a second one ends at once. Exit code: 0 trained, 1 failed on the way, 2 cannot begin as written,
130 or 143 stopped by a signal.`;

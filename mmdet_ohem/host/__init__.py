"""The one place that uses what mmdet, mmengine, mmcv and torch do not promise.

Each module names what it relies on, and in which version that was read. When
the host changes, only this folder has to follow; a test checks that no other
folder uses a private name.

What is trained:

- ``roi_heads``: the stages of a RoI head, and its box branch;
- ``box_prediction``: how a RoI head predicts boxes;
- ``predictions``: scores and boxes of a box head in plain terms;
- ``samplers``, ``sampling_result``: how RoIs are gathered, and cut down;
- ``roi_weights``: weights of RoIs in the loss of any box head;
- ``process_mean``: one mean over the RoIs of all processes;
- ``stock_samplers``: mmdet's samplers, run on what a mining rule knows;
- ``propose``: the proposals of a training;
- ``assigners``: whether RoIs can be background;
- ``twins``: several RoI heads on one set of weights;
- ``refusals``: what cannot be served, and what the error says;
- ``no_trace``: run a module, and leave it as it was found;
- ``patching``: methods of the host's objects that are others for a while;
- ``precision``, ``sharding``: of the device, and of the weights.

What is around it:

- ``pipelines``, ``datasets``: configs of data, and how images are loaded;
- ``dataloading``, ``batch_skipping``, ``worker_states``: batches that a
  resumed training skips;
- ``message_hub``, ``schedules``: the log, and when it is written;
- ``average_precision``: the metric of VOC;
- ``configs``, ``log_capture``: config files, and what is logged meanwhile;
- ``checkpoints``, ``checkpoint_claims``: weights, read without running code;
- ``safe_pickle``, ``pickled_values``, ``pickled_tensors``: pickles, of which
  nothing is run;
- ``safe_config``: a config that was dumped, read without running it;
- ``checkpoint_saving``, ``resuming``, ``weights_loading``: how checkpoints are
  written, found and loaded;
- ``files``, ``process_group``: on disk, and in several processes;
- ``detectors``: samplers and heads of any detector.
"""

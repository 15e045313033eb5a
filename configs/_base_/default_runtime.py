# What every config of this folder shares at run time.
default_scope = 'mmdet'
custom_imports = dict(imports=['mmdet_ohem'], allow_failed_imports=False)
# On a machine without a GPU as well: --launcher pytorch.
runner_type = 'mmdet_ohem.AnyDeviceRunner'
custom_hooks = [
    dict(type='mmdet_ohem.MiningStatsHook', interval=50),
    # A resumed training equals one that was never interrupted.
    dict(type='mmdet_ohem.RandomStateHook'),
]

default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(
        type='mmdet_ohem.SafeCheckpointHook', by_epoch=False, interval=10000),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='DetVisualizationHook'),
    # They change no outcome; see the page 'What stops a training, a test or
    # a resume'.
    finite_loss=dict(type='mmdet_ohem.FiniteLossHook'),
    weights_fit=dict(type='mmdet_ohem.WeightsFitHook'),
    num_classes=dict(type='mmdet_ohem.NumClassesHook'),
    fingerprint=dict(type='mmdet_ohem.FingerprintHook'),
    mining_check=dict(type='mmdet_ohem.MiningCheckHook'),
    skip_batches=dict(type='mmdet_ohem.SkipBatchesHook'),
)
env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),
)
vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(
    type='DetLocalVisualizer', vis_backends=vis_backends, name='visualizer'
)
log_processor = dict(type='LogProcessor', window_size=50, by_epoch=False)
log_level = 'INFO'
load_from = None
resume = False

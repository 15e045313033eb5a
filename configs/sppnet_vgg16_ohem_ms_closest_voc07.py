# +M as SPPnet has it: each proposal is tested at the scale where its area is
# closest to 224 x 224 pixels. All scales: tta_model.scale_choice=all
_base_ = './sppnet_vgg16_ohem_ms_voc07.py'

tta_model = dict(scale_choice='closest')

"""One thread for XGBoost: on a busy machine its threads would wait for each other."""

import xgboost

xgboost.set_config(nthread=1)

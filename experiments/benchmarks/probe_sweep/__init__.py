"""64 configurations of a head over a frozen trunk: tlx on Spark beside the joblib launcher."""

//! Names of well-known packages, to recognise a misspelt one. Nothing else may depend on this list.

/// Names that a machine-learning project is likely to mean, in no particular order.
#[rustfmt::skip]
pub(crate) const KNOWN_NAMES: &[&str] = &[
    "accelerate", "aiohttp", "albumentations", "anthropic", "bitsandbytes", "boto3", "catboost", "chromadb", "click",
    "cupy", "cuda-python", "datasets", "deepspeed", "diffusers", "einops", "evaluate", "faiss-cpu", "faiss-gpu",
    "fairscale", "fastapi", "flash-attn", "flask", "fsspec", "gradio", "h5py", "huggingface-hub", "hydra-core",
    "imageio", "ipython", "jax", "jaxlib", "jinja2", "joblib", "jupyter", "kornia", "langchain", "librosa", "lightgbm",
    "lightning", "llvmlite", "matplotlib", "mlflow", "monai", "networkx", "nltk", "numba", "numpy", "omegaconf",
    "onnx", "onnxruntime", "onnxruntime-gpu", "openai", "opencv-python", "opencv-python-headless", "optuna", "orjson",
    "packaging", "pandas", "peft", "pillow", "plotly", "polars", "protobuf", "psutil", "pyarrow", "pydantic", "pytest",
    "pytorch-lightning", "pyyaml", "ray", "regex", "requests", "rich", "safetensors", "scikit-image", "scikit-learn",
    "scipy", "seaborn", "sentence-transformers", "sentencepiece", "setuptools", "sglang", "spacy", "sqlalchemy",
    "streamlit", "sympy", "tensorboard", "tensorflow", "tiktoken", "timm", "tokenizers", "torch", "torchaudio",
    "torchmetrics", "torchvision", "tqdm", "transformers", "triton", "trl", "typer", "ultralytics", "umap-learn",
    "uvicorn", "vllm", "wandb", "xformers", "xgboost",
];

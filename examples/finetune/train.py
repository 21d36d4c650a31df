"""Fine-tunes a small language model with low-rank adapters.

Without arguments it only says what is installed and whether a GPU is in reach. `--model` and `--data` name a model
and a data set, on disk or on a hub, and start the training.
"""

import argparse

import accelerate
import bitsandbytes
import datasets
import evaluate
import peft
import torch
import transformers
import trl


def report():
    for library in (accelerate, bitsandbytes, datasets, evaluate, peft, torch, transformers, trl):
        print(f"{library.__name__} {library.__version__}")
    print(f"CUDA {torch.version.cuda}: {torch.cuda.device_count()} GPU(s) in reach")


def train(model, data, output):
    trainer = trl.SFTTrainer(
        model=model,
        train_dataset=datasets.load_dataset(data, split="train"),
        peft_config=peft.LoraConfig(r=16, lora_alpha=32, task_type="CAUSAL_LM"),
        args=trl.SFTConfig(output_dir=output, max_steps=100, optim="paged_adamw_8bit"),
    )
    trainer.train()
    trainer.save_model(output)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model")
    parser.add_argument("--data")
    parser.add_argument("--output", default="adapter")
    arguments = parser.parse_args()
    report()
    if arguments.model and arguments.data:
        train(arguments.model, arguments.data, arguments.output)


if __name__ == "__main__":
    main()

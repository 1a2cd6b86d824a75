rule train:
    input:
        # The version is a key of the labels' and the profile's content. (Use `ancient` sparingly: Snakemake looks for
        # no changed settings below a job that runs, so beyond an ancient file it would miss them until the next run.)
        train=ancient(f"results/datasets/{PLAN.dataset}/train.pkg.slp"),
        val=ancient(f"results/datasets/{PLAN.dataset}/val.pkg.slp"),
    output:
        config="results/models/{model}/{version}/config.yaml",
        skeleton="results/models/{model}/{version}/skeleton.json",
        weights="results/models/{model}/{version}/model.weights.h5",
        history="results/models/{model}/{version}/history.csv",
        training="results/models/{model}/{version}/training.json",
    log:
        "logs/train/{model}/{version}.log",
    retries: 0  # it submits a job, waits, and knows itself when to submit another
    localrule: True
    conda:
        "../envs/poseflow.yaml"
    threads: 8
    resources:
        mem_mb=8000,
        runtime=240,
        scheduler=scheduler,
    params:
        step=lambda wildcards: describe_training(PLAN.profiles[wildcards.model]),
    script:
        "../scripts/train.py"

from kfp.dsl import Dataset, Output, component

from .. import common
from ..common import REQUIREMENTS as PACKAGES
from ..common import image


def more(rows: int) -> int:
    return rows + 1


@component(
    base_image=image('clean'),
    packages_to_install=PACKAGES,
    additional_funcs=[more],
)
def clean(rows: int,
          out: Output[Dataset]):
    """As its author formats it."""
    with open(out.path, 'w') as file:
        file.write(str(more(rows)))
    # done


@component(base_image=f"{common.REGISTRY}/step:{common.TAG}")
def step(rows: int = 1) -> int:
    return rows

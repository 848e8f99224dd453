"""Names of entities as Autotask's texts and metadata have them: in the singular."""


def model_name(entity: str) -> str:
    """Returns the singular of an entity's name, such as `Company` for `Companies`."""
    if entity.endswith("ies"):
        return f"{entity.removesuffix('ies')}y"
    return entity.removesuffix("s")

class Settings:
    def __init__(
        self,
        *,
        strict: bool = ...,
        forbid_dtd: bool = ...,
        forbid_entities: bool = ...,
        forbid_external: bool = ...,
        xml_huge_tree: bool = ...,
    ) -> None: ...

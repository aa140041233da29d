"""What can go wrong with a Neo4j of our own; each message says what to do about it.

CouncilError
└── LocalNeo4jError
    ├── ToolsMissingError    there is nothing here to run a Neo4j with
    ├── InstallationError    fetching its files failed
    ├── PortTakenError       somebody else listens where it should
    ├── HomeInUseError       another process runs the Neo4j of this home
    ├── CredentialsError     its password is not known any more
    ├── StartError           it did not come up
    └── ArchiveError         its classes could not be archived; it starts without
"""

from __future__ import annotations

from pathlib import Path

from orchestrator.domain.errors import CouncilError

_HOW_TO_INSTALL = """\
Install one of these and start again:
  - Java 17 or 21 and Maven:
      Debian, Ubuntu:  sudo apt install openjdk-17-jre-headless maven
      macOS:           brew install openjdk@21 maven
  - Docker, with its engine running:
      Debian, Ubuntu:  sudo apt install docker.io
      macOS:           brew install --cask docker
Or set NEO4J_URI, NEO4J_USER and NEO4J_PASSWORD to use a Neo4j that runs already."""


class LocalNeo4jError(CouncilError):
    """The base of all that can go wrong with a Neo4j of our own."""


class ToolsMissingError(LocalNeo4jError):
    """Neither Java with Maven nor a working Docker engine is here."""

    def __init__(self, missing: tuple[str, ...]) -> None:
        """Take what is missing: a phrase each, such as `no Maven (mvn) on the PATH`."""
        self.missing: tuple[str, ...] = missing
        listed = "\n".join(f"  - {phrase}" for phrase in missing)
        super().__init__(
            f"Nothing is here to run a Neo4j of our own with:\n{listed}\n{_HOW_TO_INSTALL}"
        )


class InstallationError(LocalNeo4jError):
    """The files of Neo4j could not be fetched; what had come was removed again."""

    def __init__(self, output: str) -> None:
        """`output` is what Maven said last."""
        self.output: str = output
        super().__init__(
            "Maven could not fetch Neo4j; is the network there, and Maven set up for it?\n" + output
        )


class PortTakenError(LocalNeo4jError):
    """Something that is not ours listens on a port."""

    def __init__(self, port: int, variable: str) -> None:
        """`variable` is the environment variable that sets another port."""
        self.port: int = port
        self.variable: str = variable
        super().__init__(
            f"Port {port} on 127.0.0.1 is taken by another program. Set {variable} to another port, or to 0 for a free one."
        )


class HomeInUseError(LocalNeo4jError):
    """Another living process runs the Neo4j of this home."""

    def __init__(self, home: Path, holder: str) -> None:
        """`holder` is the process id that the other one left, or empty."""
        self.home: Path = home
        self.holder: str = holder
        who = f"process {holder}" if holder else "another process"
        super().__init__(
            f"The Neo4j in {home} is run by {who} already. Stop that one first, or set COUNCIL_HOME to another directory."
        )


class CredentialsError(LocalNeo4jError):
    """The password in the file is not the one that the data was made with."""

    def __init__(self, password_file: Path, data: Path, *, found: bool) -> None:
        """`found` is whether there is a password file at all."""
        self.password_file: Path = password_file
        problem = "is not the password of" if found else "is gone, and was the password of"
        super().__init__(
            f"{password_file} {problem} the graph in {data}. Put the right one back, or move that directory away to begin with an empty graph."
        )


class StartError(LocalNeo4jError):
    """Neo4j did not come up."""

    def __init__(self, problem: str, output: str = "") -> None:
        """`output` is what the server said last."""
        self.output: str = output
        super().__init__(problem if not output else f"{problem}\n{output}")


class ArchiveError(LocalNeo4jError):
    """Neo4j's classes could not be archived, for a reason that another try may not meet."""

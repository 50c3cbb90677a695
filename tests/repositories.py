"""Real git repositories."""

import subprocess


class Repository:
    """A working copy with commits at fixed instants."""

    def __init__(self, path):
        self.path = path
        path.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str, **more: str) -> str:
        environment = {
            "HOME": str(self.path),
            "PATH": "/usr/bin:/bin",
            "GIT_AUTHOR_DATE": "2025-09-01T10:00:00+02:00",
            "GIT_COMMITTER_DATE": "2025-09-01T10:00:00+02:00",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            **more,
        }
        identity = ["-c", "user.name=Ines", "-c", "user.email=ines@corp.example"]
        command = ["git", *identity, *arguments]
        done = subprocess.run(  # a test's own repository
            command, cwd=self.path, env=environment, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, *, message: str = "change", **files: str) -> str:
        for name, text in files.items():
            path = self.path / f"{name.replace('__', '/')}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", f"--message={message}")
        return self.git("rev-parse", "HEAD")

    def signed(self, key, message: str = "change", *arguments: str) -> str:
        """Commit what is there, or nothing, signed with a key of tests.signing."""
        self.git("add", "--all")
        command = ["commit", "--quiet", "--allow-empty", "--gpg-sign", f"--message={message}"]
        author = f"--author={key.name} <{key.name}>"
        self.git(*key.options, *command, author, *arguments, **key.environment)
        return self.git("rev-parse", "HEAD")

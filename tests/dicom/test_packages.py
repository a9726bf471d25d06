import pytest

from scripts.data.errors import BadInputError
from scripts.dicom.packages import require


def test_what_is_there_is_not_spoken_of():
    require("json", "torch")


def test_a_missing_package_is_named_with_the_command_that_installs_it():
    with pytest.raises(BadInputError, match=r"finding studies needs the package nowhere_1\..*requirements-clinic\.txt"):
        require("json", "nowhere_1", purpose="finding studies")


def test_several_missing_packages_are_named_together():
    with pytest.raises(BadInputError, match="the packages nowhere_1, nowhere_2"):
        require("nowhere_1", "nowhere_2")

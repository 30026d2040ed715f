"""All that is wrong, in one error."""

import pickle

import pytest

from logo_keras.datasets.problems import Problems, ProblemsError


def collect(*texts):
    problems = Problems()
    for text in texts:
        with problems.collecting():
            raise ValueError(text)
    return problems


def test_nothing_is_raised_where_nothing_is_wrong():
    collect().check()


def test_a_single_problem_is_its_own_text():
    with pytest.raises(ValueError, match=r"^a\.txt:1: no$"):
        collect("a.txt:1: no").check()


def test_of_many_problems_the_first_ten_are_named_and_all_are_counted():
    with pytest.raises(ValueError, match=r"^12 problems:\n0\n1\n(\d\n)+and 2 more\.$"):
        collect(*map(str, range(12))).check()


def test_problems_of_files_are_counted_one_by_one():
    whole = Problems()
    for _ in range(2):
        with whole.collecting():
            collect(*"abcdefghijkl").check()
    with pytest.raises(ValueError, match=r"^24 problems:\na\n.*\nj\nand 14 more\.$"):
        try:
            whole.check()
        except ProblemsError as error:
            raise ValueError(str(error).replace("b\nc\nd\ne\nf\ng\nh\ni\n", "b\n")) from None


def test_other_errors_are_not_collected():
    with pytest.raises(KeyError), Problems().collecting():
        raise KeyError("x")


def test_an_error_with_problems_survives_a_process():
    error = ProblemsError(["a", "b"], 2)
    assert str(pickle.loads(pickle.dumps(error))) == str(error) == "2 problems:\na\nb"

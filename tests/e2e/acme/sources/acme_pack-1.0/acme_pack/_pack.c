#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <rle.h>
#include <zlib.h>

static PyObject *pack(PyObject *self, PyObject *args)
{
    const unsigned char *data;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "y#", &data, &size))
        return NULL;
    unsigned char *runs = PyMem_Malloc(2 * size + 1);
    if (runs == NULL)
        return PyErr_NoMemory();
    uLong count = rle_encode(data, size, runs);
    uLongf packed = compressBound(count);
    PyObject *out = PyBytes_FromStringAndSize(NULL, packed);
    if (out != NULL && compress((Bytef *)PyBytes_AS_STRING(out), &packed, runs, count) != Z_OK)
        Py_CLEAR(out);
    PyMem_Free(runs);
    if (out == NULL)
        return PyErr_NoMemory();
    _PyBytes_Resize(&out, packed);
    return out;
}

static PyObject *version(PyObject *self, PyObject *args)
{
    return PyUnicode_FromString(zlibVersion());
}

static PyMethodDef methods[] = {
    {"pack", pack, METH_VARARGS, NULL},
    {"zlib_version", version, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_pack", NULL, -1, methods};

PyMODINIT_FUNC PyInit__pack(void)
{
    return PyModule_Create(&module);
}
